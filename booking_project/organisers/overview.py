"""The first page: what sells today, what opens next, and what needs somebody."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.models import PENDING_BATCHES, Booking, Event, HistoryEntry
from booking_project.organisers.standing import seats_bar
from shared.admin.attention import Attention
from shared.admin.sale_dates import SHOWN, on_sale, upcoming
from shared.messaging.backlog import dead_letter_counts
from shared.messaging.topology import EVENTS_QUEUE, NOTIFICATIONS_QUEUE
from shared.outbox.attention import outbox_attention
from shared.times.zones import zone_by_name

BROKER_SECONDS = 0.4


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """DASHBOARD_CALLBACK of unfold."""
    context["title"] = _("Overview")
    if request.user.has_perms(["bookings.view_event", "bookings.view_booking"]):
        now = timezone.now()
        context |= {
            "overview_template": "organisers/overview.html",
            "today": _today(),
            "on_sale": _with_bars(on_sale(Event.objects.all(), now=now)),
            "upcoming": _with_bars(upcoming(Event.objects.all(), now=now)),
            "attention": list(_attention()),
        }
    return context


def _with_bars(events: list[Event]) -> list[dict[str, Any]]:
    return [
        {
            "event": event,
            "url": reverse("admin:bookings_event_change", args=[event.pk]),
            "live_url": reverse("sales:live", args=[event.pk]),
            "bar": seats_bar(event),
            "zone": zone_by_name(event.time_zone) or timezone.get_current_timezone(),
        }
        for event in events
    ]


def _today() -> dict[str, int]:
    """Since midnight where the browser is. Reads today's rows only."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    made = Booking.objects.filter(pk__gte=first_id_since(Booking, "created_at", midnight))
    happened = HistoryEntry.objects.filter(pk__gte=first_id_since(HistoryEntry, "at", midnight))
    return {
        **made.aggregate(
            booked=Count("pk"),
            seats=Count("pk", filter=Q(status=BookingStatus.CONFIRMED)),
            waiting=Count("pk", filter=Q(status=BookingStatus.WAITLISTED)),
        ),
        **happened.aggregate(
            promoted=Count("pk", filter=Q(change="promoted")),
            cancelled=Count("pk", filter=Q(change="cancelled")),
        ),
    }


def first_id_since(model: type[Model], column: str, moment: datetime) -> int:
    """Ids grow with time, and there is no index by time, which every booking would have to pay for.
    So this halves the ids until it has found where `moment` is: one probe of the key each."""
    ends: QuerySet[Any] = QuerySet(model)
    low = ends.order_by("pk").values_list("pk", flat=True).first() or 0
    high = (ends.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        probe = ends.filter(pk__gte=middle).order_by("pk").values_list("pk", column).first()
        if probe is None or probe[1] >= moment:
            high = middle
        else:
            low = probe[0] + 1
    return low


def _attention() -> Iterator[Attention]:
    counts = dead_letter_counts(
        url=settings.RABBITMQ_URL,
        queues=[EVENTS_QUEUE, NOTIFICATIONS_QUEUE],
        seconds=BROKER_SECONDS,
    )
    if counts is None:
        yield Attention(
            text=_("The broker does not answer: whether messages or mails have failed is unknown."),
            command="manage_booking.py check_worker",
        )
    else:
        if lost := counts[EVENTS_QUEUE.name]:
            yield Attention(
                text=ngettext(
                    "%(count)s change of an event could not be read.",
                    "%(count)s changes of events could not be read.",
                    lost,
                )
                % {"count": lost},
                command="manage_booking.py dead_letters list",
            )
        if failed := counts[NOTIFICATIONS_QUEUE.name]:
            yield Attention(
                text=ngettext(
                    "%(count)s mail could not be sent.",
                    "%(count)s mails could not be sent.",
                    failed,
                )
                % {"count": failed},
                command="manage_booking.py dead_letters --queue notifications list",
            )
    yield from outbox_attention()
    yield from _batches()


def _batches() -> Iterator[Attention]:
    for event in Event.objects.filter(PENDING_BATCHES).only("name", "cancelled_at")[:SHOWN]:
        text = (
            _("The bookings of %(event)s are still being cancelled.")
            if event.cancelled_at
            else _("The waitlist of %(event)s is still being given seats.")
        )
        yield Attention(
            text=text % {"event": event},
            grave=False,
            url=reverse("admin:bookings_event_change", args=[event.pk]),
        )
