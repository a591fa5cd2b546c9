"""What the admin pages show besides the API's responses."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from event_project.events.api.serializers import EventInput
from shared.api.forms import Form, Input, change_form, creation_form, selection
from shared.api.pages import Link, Page, Shown

EVENTS = "/api/v1/events"
EVENT = f"{EVENTS}/{{id}}"


def example() -> Mapping[str, Any]:
    """A new event, ready to send: bookable for a week from the next hour on."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return {
        "name": "Golang Workshop Bangkok",
        "max_seats": 50,
        "waitlist_limit": 5,
        "price": 2500,
        "booking_start_at": start,
        "booking_end_at": start + timedelta(days=7),
    }


class EventsPage(Page):
    filters = (
        selection("open", "Open", ["true", "false"]),
        selection("upcoming", "Upcoming", ["true", "false"]),
        Input(name="name", label="Name", attributes={"maxlength": "255"}),
    )

    def rows(self, shown: Shown) -> Sequence[Link]:
        return [
            Link(f"#{event['id']} {event['name']}", EVENT.format_map(event))
            for event in shown.items
        ]

    def forms(self, shown: Shown) -> Sequence[Form]:
        form = creation_form(
            EventInput(), example(), title="Create an event", url=EVENTS, then=EVENT
        )
        return [form]


class EventPage(Page):
    def links(self, shown: Shown) -> Sequence[Link]:
        links = [Link("All events", EVENTS)]
        if shown.data is not None and settings.BOOKING_PUBLIC_URL:
            there = settings.BOOKING_PUBLIC_URL + EVENT.format_map(shown.data)
            links += [Link("How full it is", f"{there}/status")]
            links += [Link("Its bookings", f"{there}/bookings")]
        return links

    def forms(self, shown: Shown) -> Sequence[Form]:
        event = shown.data
        if event is None or event["cancelled_at"] is not None:
            return []
        change = change_form(
            EventInput(),
            event,
            title="Change it",
            url=EVENT.format_map(event),
            if_match=shown.response.headers["ETag"],
        )
        return [change, _cancellation(event["id"])]


class CancellationPage(Page):
    def links(self, shown: Shown) -> Sequence[Link]:
        return [Link("The event", EVENT.format(id=shown.captured("event_id")))]

    def forms(self, shown: Shown) -> Sequence[Form]:
        return [_cancellation(shown.captured("event_id"))]


def _cancellation(event_id: int | str) -> Form:
    return Form(
        title="Cancel it",
        button="Cancel this event",
        method="POST",
        url=f"{EVENT.format(id=event_id)}/cancel",
        then=EVENT,
        question="Cancel this event and all its bookings? This can't be undone.",
    )
