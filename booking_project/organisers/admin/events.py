from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from booking_project.bookings.models import Booking, Event
from booking_project.bookings.selectors import SEATS_TAKEN
from booking_project.organisers.admin.notes import WithNotes
from booking_project.organisers.selectors import in_line, named, seated
from booking_project.organisers.standing import (
    STATE_NAMES,
    seats_bar,
    standing,
    state_of,
)
from booking_project.sales.selectors import SaleState
from shared.admin.read_only import ReadOnlyAdmin
from shared.times.texts import period_text, zone_text
from shared.times.zones import zone_by_name, zone_of

# How many of those who have seats, and of those who wait, an event's page shows.
SHOWN = 25
STATE_COLOURS = {
    SaleState.UPCOMING: "info",
    SaleState.OPEN: "success",
    SaleState.SOLD_OUT: "warning",
    SaleState.CLOSED: "default",
    SaleState.CANCELLED: "danger",
}


class StateFilter(admin.SimpleListFilter):
    """As `state_of`."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, name) for state, name in STATE_NAMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        value = self.value()
        if value is None or value not in set(SaleState):
            return queryset
        now = timezone.now()
        if value == SaleState.CANCELLED:
            return queryset.exclude(cancelled_at=None)
        queryset = queryset.filter(cancelled_at=None)
        if value == SaleState.UPCOMING:
            return queryset.filter(booking_start_at__gt=now)
        if value == SaleState.CLOSED:
            return queryset.filter(booking_end_at__lt=now)
        sold_out = Q(waitlisted_count__gt=0) | Q(max_seats__lte=SEATS_TAKEN)
        queryset = queryset.filter(booking_start_at__lte=now, booking_end_at__gte=now)
        return queryset.filter(sold_out if value == SaleState.SOLD_OUT else ~sold_out)


@admin.register(Event)
class EventAdmin(WithNotes, ReadOnlyAdmin):
    """How every event stands. The event service owns events; here, guests are booked."""

    list_display = ["title", "state", "seats", "window", "ways"]
    list_filter = [StateFilter]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["=id", "name"]
    search_help_text = _("Name, or the number of an event")
    actions_detail = ["book_for_a_guest", "live"]
    change_form_template = "organisers/event.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).defer("description")  # type: ignore[no-any-return]

    @display(description=_("Event"), ordering="name")
    def title(self, event: Event) -> str:
        return f"{event.name} (#{event.pk})"

    @display(description=_("State"), label={str(k): v for k, v in STATE_COLOURS.items()})
    def state(self, event: Event) -> tuple[str, Any]:
        found = state_of(event, now=timezone.now())
        return str(found), STATE_NAMES[found]

    @display(description=_("Seats"), ordering="confirmed_count")
    def seats(self, event: Event) -> str:
        return seats_bar(event)

    @display(description=_("On sale"), ordering="booking_start_at")
    def window(self, event: Event) -> str:
        zone = zone_by_name(event.time_zone) or timezone.get_current_timezone()
        return format_html(
            '<span class="desk-window">{} <small>{}</small></span>',
            period_text(event.booking_start_at, event.booking_end_at, zone=zone),
            zone_text(zone),
        )

    @display(description=_("Go to"))
    def ways(self, event: Event) -> str:
        return format_html(
            '<span class="desk-nowrap"><a class="desk-link" href="{}">{}</a> · '
            '<a class="desk-link" href="{}">{}</a></span>',
            bookings_url(event),
            _("Bookings"),
            reverse("sales:live", args=[event.pk]),
            _("Live"),
        )

    def has_book_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("bookings.add_booking")

    @action(
        description=_("Book for a guest"),
        url_path="book",
        permissions=["book"],
        icon="person_add",
        variant=ActionVariant.PRIMARY,
    )
    def book_for_a_guest(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(
            f"{reverse('admin:bookings_booking_book_for_a_guest')}?event={object_id}"
        )

    @action(description=_("Live"), url_path="live", icon="monitoring")
    def live(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("sales:live", args=[object_id]))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        event = self.get_object(request, object_id)
        shown = {} if event is None else self._shown(request, event)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def _shown(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        now = timezone.now()
        found = state_of(event, now=now)
        seats = named(seated(event.pk)[:SHOWN])
        line = named(in_line(event.pk)[:SHOWN])
        zone = zone_by_name(event.time_zone) or timezone.get_current_timezone()
        own_zone = zone_of(request)
        return {
            "show_history": False,  # Django's own, which is empty
            "event": event,
            "state": STATE_NAMES[found],
            "state_colour": STATE_COLOURS[found],
            "seats_bar": seats_bar(event),
            "standing": standing(event),
            "zone": zone,
            "own_zone": None if own_zone == zone else own_zone,
            "seated": seats,
            "in_line": line,
            "bookings_url": bookings_url(event),
            "seated_url": f"{bookings_url(event)}&status__exact=confirmed",
            "line_url": f"{bookings_url(event)}&status__exact=waitlisted",
            **self.notes_context(request, event),
        }


def bookings_url(event: Event) -> str:
    return f"{reverse('admin:bookings_booking_changelist')}?event__id__exact={event.pk}"


def booking_url(booking: Booking) -> str:
    return reverse("admin:bookings_booking_change", args=[booking.pk])
