"""The first page: what is on sale, what opens and takes place next, and what needs somebody."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from event_project.events.admin.presentation import seats_bar, takes_place
from event_project.events.admin.standings import Copy, Seen, look_up
from event_project.events.models import Event
from shared.admin.attention import Attention
from shared.admin.sale_dates import SHOWN, on_sale, planned, upcoming
from shared.messaging.backlog import dead_letter_counts
from shared.messaging.topology import EVENTS_QUEUE
from shared.outbox.attention import outbox_attention
from shared.times.zones import zone_by_name

BROKER_SECONDS = 0.4


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """DASHBOARD_CALLBACK of unfold."""
    context["title"] = _("Overview")
    if request.user.has_perm("events.view_event"):
        now = timezone.now()
        open_now = on_sale(Event.objects.all(), now=now)
        opening = upcoming(Event.objects.all(), now=now)
        seen = look_up([*open_now, *opening])
        context |= {
            "overview_template": "admin/events/overview.html",
            "on_sale": [_shown(seen[event.pk]) for event in open_now],
            "upcoming": [_shown(seen[event.pk]) for event in opening],
            "next_events": [_shown(Seen(event, None, answered=False)) for event in _next(now)],
            "attention": list(_attention(seen.values())),
            "add_url": reverse("admin:events_event_add")
            if request.user.has_perm("events.add_event")
            else "",
        }
    return context


def _next(now: datetime) -> list[Event]:
    events = planned(Event.objects.all()).filter(starts_at__gte=now)
    return list(events.order_by("starts_at", "pk")[:SHOWN])


def _shown(seen: Seen) -> dict[str, Any]:
    event = seen.event
    return {
        "event": event,
        "url": reverse("admin:events_event_change", args=[event.pk]),
        "bar": seats_bar(seen),
        "takes_place": takes_place(event),
        "zone": zone_by_name(event.time_zone) or timezone.get_current_timezone(),
    }


def _attention(seen: Iterable[Seen]) -> Iterator[Attention]:
    yield from outbox_attention()
    yield from _dead_letters()
    yield from _copies(seen)


def _dead_letters() -> Iterator[Attention]:
    counts = dead_letter_counts(
        url=settings.RABBITMQ_URL, queues=[EVENTS_QUEUE], seconds=BROKER_SECONDS
    )
    if counts is None:
        yield Attention(
            text=_("The broker does not answer: whether all changes arrive is unknown."),
            command="manage_event.py outbox_status",
        )
    elif lost := counts[EVENTS_QUEUE.name]:
        yield Attention(
            text=ngettext(
                "%(count)s change of an event could not be read.",
                "%(count)s changes of events could not be read.",
                lost,
            )
            % {"count": lost},
            command="manage_booking.py dead_letters list",
        )


def _copies(seen: Iterable[Seen]) -> Iterator[Attention]:
    states = list(seen)
    if settings.BOOKING_URL and any(not each.answered for each in states):
        yield Attention(
            text=_("The booking service does not answer: how full events are is unknown.")
        )
    for each in states:
        if each.copy is Copy.ON_ITS_WAY:
            yield Attention(
                text=_("The booking service does not have the latest version of %(event)s yet.")
                % {"event": each.event},
                grave=False,
                url=reverse("admin:events_event_change", args=[each.event.pk]),
            )
