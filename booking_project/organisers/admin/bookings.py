from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _now_translated
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services.bookings import booking_create
from booking_project.contacts.models import Contact
from booking_project.contacts.services import contact_remember
from booking_project.organisers import export
from booking_project.organisers.admin.events import booking_url
from booking_project.organisers.admin.notes import WithNotes
from booking_project.organisers.forms import BookForGuestForm
from booking_project.organisers.selectors import cancellation_plans, history_of, named
from booking_project.organisers.services import Cancelled, bookings_cancel
from shared.errors import DomainError
from shared.times.texts import moment_text, zone_text
from shared.times.zones import zone_by_name

MOST_AT_ONCE = 200
EVENTS_TO_CHOOSE = 300
STATUS_NAMES = {
    BookingStatus.CONFIRMED: _("Confirmed"),
    BookingStatus.WAITLISTED: _("Waitlisted"),
    BookingStatus.CANCELLED: _("Cancelled"),
}
STATUS_COLOURS = {
    BookingStatus.CONFIRMED: "success",
    BookingStatus.WAITLISTED: "warning",
    BookingStatus.CANCELLED: "default",
}


class EventFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no types
    """The newest events, and the chosen one."""

    title = _("event")
    parameter_name = "event__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        events = Event.objects.order_by("-pk").values_list("pk", "name")[:EVENTS_TO_CHOOSE]
        return [(str(pk), f"{name} (#{pk})") for pk, name in events]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        value = self.value() or ""
        return queryset.filter(event_id=int(value)) if value.isdecimal() else queryset


class StatusFilter(DropdownFilter):  # type: ignore[misc]
    title = _("status")
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status.value, name) for status, name in STATUS_NAMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        value = self.value()
        return queryset.filter(status=value) if value in BookingStatus.values else queryset


class GuestList(ChangeList):  # type: ignore[misc]
    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = named(self.result_list)


@admin.register(Booking)
class BookingAdmin(WithNotes):
    """Bookings change only through the core's services, under the event's lock."""

    list_display = ["guest", "event_name", "state", "booked"]
    list_filter = [EventFilter, StatusFilter]
    list_filter_submit = True
    list_select_related = ["event"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["user_id"]  # shows the search box; `get_search_results` says how
    search_help_text = _("How an address begins, or a number")
    ordering = ["-pk"]
    actions = ["cancel_selected"]
    actions_list = ["book_for_a_guest"]
    actions_detail = ["cancel_booking"]
    list_before_template = "organisers/list_tools.html"
    change_form_template = "organisers/booking.html"

    # Lists

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        queryset: QuerySet[Booking] = super().get_queryset(request)
        return queryset.select_related("event").defer("event__description")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """A waitlist is in its order; everything else begins with the newest."""
        asked = request.GET
        in_line = asked.get("status__exact") == BookingStatus.WAITLISTED
        return ["waitlist_order"] if in_line and "event__id__exact" in asked else ["-pk"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return GuestList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Booking], search_term: str
    ) -> tuple[QuerySet[Booking], bool]:
        """Each alternative has its index, and a condition that joins them by OR would have none."""
        term = search_term.strip()
        if not term:
            return queryset, False
        conditions = [Q(user_id__startswith=each) for each in {term, term.lower()}]
        if term.isdecimal() and len(term) <= 18:
            conditions += [Q(pk=int(term)), Q(event_id=int(term))]
        first, *others = [Booking.objects.filter(each).values("pk") for each in conditions]
        if not others:
            return queryset.filter(conditions[0]), False
        return queryset.filter(pk__in=first.union(*others)), False

    @display(description=_("Guest"), ordering="user_id")
    def guest(self, booking: Booking) -> str:
        name = booking.guest_name  # type: ignore[attr-defined]
        return format_html("{} <small>{}</small>", booking.user_id, name)

    @display(description=_("Event"), ordering="event")
    def event_name(self, booking: Booking) -> str:
        return format_html(
            '<a class="desk-link" href="{}">{}</a>',
            reverse("admin:bookings_event_change", args=[booking.event_id]),
            f"{booking.event.name} (#{booking.event_id})",
        )

    @display(
        description=_("Status"),
        ordering="status",
        label={str(status): colour for status, colour in STATUS_COLOURS.items()},
    )
    def state(self, booking: Booking) -> tuple[str, Any]:
        name = STATUS_NAMES[BookingStatus(booking.status)]
        if booking.status == BookingStatus.WAITLISTED:
            return booking.status, f"{name} · {booking.waitlist_order}"
        return booking.status, name

    @display(description=_("Booked"), ordering="created_at")
    def booked(self, booking: Booking) -> str:
        zone = zone_by_name(booking.event.time_zone) or timezone.get_current_timezone()
        return format_html(
            '<span class="desk-window">{} <small>{}</small></span>',
            moment_text(booking.created_at, zone=zone),
            zone_text(zone),
        )

    # Pages

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        booking = self.get_object(request, object_id)
        shown = {} if booking is None else self._shown(request, booking)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def _shown(self, request: HttpRequest, booking: Booking) -> dict[str, Any]:
        [booking] = named([booking])
        status = BookingStatus(booking.status)
        return {
            "show_history": False,  # Django's own, which is empty
            "booking": booking,
            "status": STATUS_NAMES[status],
            "status_colour": STATUS_COLOURS[status],
            "zone": zone_by_name(booking.event.time_zone) or timezone.get_current_timezone(),
            "happened": history_of(booking),
            "event_url": reverse("admin:bookings_event_change", args=[booking.event_id]),
            **self.notes_context(request, booking),
        }

    def get_urls(self) -> list[URLPattern]:
        exports = [
            path(
                f"export.{kind}",
                self.admin_site.admin_view(self._export),
                {"kind": kind},
                name=f"bookings_booking_export_{kind}",
            )
            for kind in export.KINDS
        ]
        urls: list[URLPattern] = super().get_urls()
        return [*exports, *urls]

    def _export(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """What the list shows with the same search and filters, but all of it."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        shown = self.get_changelist_instance(request)
        return export.KINDS[kind](shown.queryset)

    # Cancelling

    def has_cancel_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("bookings.delete_booking")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """A booking that is cancelled can't be cancelled again."""
        found: list[Any] = super().get_actions_detail(request, object_id)
        booking = self.get_object(request, str(object_id))
        if booking is not None and booking.status == BookingStatus.CANCELLED:
            return [each for each in found if not each.action_name.endswith("cancel_booking")]
        return found

    @action(
        description=_("Cancel booking"),
        url_path="cancel",
        permissions=["cancel"],
        icon="event_busy",
        variant=ActionVariant.DANGER,
    )
    def cancel_booking(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self.get_object(request, object_id)
        if booking is None:
            raise Http404
        return self._cancel(request, [booking], back=booking_url(booking))

    @admin.action(description=_("Cancel, and promote the next in line"), permissions=["cancel"])
    def cancel_selected(
        self, request: HttpRequest, queryset: QuerySet[Booking]
    ) -> HttpResponse | None:
        selected = list(queryset.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(selected) > MOST_AT_ONCE:
            text = _now_translated("Select at most %(count)s bookings at once.")
            self.message_user(request, text % {"count": MOST_AT_ONCE}, messages.ERROR)
            return None
        return self._cancel(request, selected, back=request.get_full_path())

    def _cancel(self, request: HttpRequest, selected: list[Booking], *, back: str) -> HttpResponse:
        active = [each for each in selected if each.status != BookingStatus.CANCELLED]
        plans = cancellation_plans(active)
        if not active:
            text = _now_translated("None of these bookings is active any more.")
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(back)
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Cancel bookings"),
                "plans": plans,
                "count": len(active),
                "left_out": len(selected) - len(active),
                "in_line": sum(each.status == BookingStatus.WAITLISTED for each in active),
                "bulk": request.POST.get("action", ""),
                "back": back,
            }
            return TemplateResponse(request, "organisers/cancel.html", context)
        self._tell(request, bookings_cancel(plans, actor=request.user.get_username()))
        return HttpResponseRedirect(back)

    def _tell(self, request: HttpRequest, result: Cancelled) -> None:
        if result.done:
            text = ngettext(
                "Cancelled: %(who)s.",
                "%(count)s bookings are cancelled: %(who)s.",
                len(result.done),
            )
            self.message_user(
                request,
                text % {"count": len(result.done), "who": _people(result.done)},
                messages.SUCCESS,
            )
        if result.promoted:
            text = _now_translated("Moved up to a seat: %(who)s.")
            self.message_user(request, text % {"who": _people(result.promoted)}, messages.SUCCESS)
        for booking, refusal in result.refused:
            text = _now_translated("%(who)s was not cancelled: %(why)s.")
            self.message_user(
                request, text % {"who": _people([booking]), "why": refusal}, messages.ERROR
            )

    # Booking

    def has_book_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("bookings.add_booking")

    @action(
        description=_("Book for a guest"),
        url_path="book",
        permissions=["book"],
        icon="person_add",
        variant=ActionVariant.PRIMARY,
    )
    def book_for_a_guest(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        bookable = Event.objects.filter(cancelled_at=None, booking_end_at__gte=now)
        events = bookable.order_by("booking_end_at", "pk").only("id", "name")
        form = BookForGuestForm(
            request.POST or None, events=events, initial={"event": request.GET.get("event")}
        )
        if form.is_valid() and (booking := self._book(request, form)) is not None:
            return HttpResponseRedirect(booking_url(booking))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Book for a guest"),
            "form": form,
        }
        return TemplateResponse(request, "organisers/book.html", context)

    def _book(self, request: HttpRequest, form: BookForGuestForm) -> Booking | None:
        """None if it is refused; the form says why."""
        event, user_id = form.cleaned_data["event"], form.cleaned_data["user_id"]
        try:
            booking = booking_create(
                event_id=event.pk,
                user_id=user_id,
                actor=request.user.get_username(),
                skips_line=True,
            ).value
        except DomainError as refusal:
            form.add_error(form.FIELDS.get(refusal.code, "event"), str(refusal))
            return None
        if name := form.cleaned_data["name"].strip():
            known = Contact.objects.filter(pk=user_id).values_list("language", flat=True).first()
            contact_remember(user_id=user_id, name=name, language=known or get_language() or "en")
        text = (
            _now_translated("%(who)s has a seat.")
            if booking.status == BookingStatus.CONFIRMED
            else _now_translated("%(who)s is on the waitlist.")
        )
        self.message_user(request, text % {"who": user_id}, messages.SUCCESS)
        return booking


def _people(bookings: Iterable[Booking]) -> str:
    return ", ".join(booking.user_id for booking in bookings)
