"""What the admin pages show besides the API's responses."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.http import urlencode

from booking_project.bookings.api.serializers import BookingInput
from booking_project.bookings.domain.transitions import BookingStatus
from shared.api.forms import Form, Input, creation_form, selection
from shared.api.pages import Link, Page, Shown

BOOKINGS = "/api/v1/bookings"
BOOKING = f"{BOOKINGS}/{{id}}"
_STATUS = selection("status", "Status", BookingStatus.values)


class StatusPage(Page):
    def links(self, shown: Shown) -> Sequence[Link]:
        if shown.data is None:
            return ()
        event_id = shown.data["id"]
        return [
            Link("Its bookings", f"{_event(event_id)}/bookings"),
            *_at_event_service(event_id),
        ]


class EventBookingsPage(Page):
    filters = (_STATUS,)

    def links(self, shown: Shown) -> Sequence[Link]:
        if shown.data is None:
            return ()
        event_id = shown.captured("event_id")
        return [
            Link("How full it is", f"{_event(event_id)}/status"),
            *_at_event_service(event_id),
        ]

    def rows(self, shown: Shown) -> Sequence[Link]:
        return [_row(booking, booking["user_id"]) for booking in shown.items]

    def forms(self, shown: Shown) -> Sequence[Form]:
        if shown.data is None:
            return []
        form = creation_form(
            BookingInput(),
            {"user_id": "user-001"},
            title="Book",
            url=f"{_event(shown.captured('event_id'))}/bookings",
            then=BOOKING,
        )
        return [form]


class UserBookingsPage(Page):
    filters = (
        Input(name="user_id", label="User id", required=True, attributes={"maxlength": "255"}),
        _STATUS,
    )

    def rows(self, shown: Shown) -> Sequence[Link]:
        return [_row(booking, f"event {booking['event_id']}") for booking in shown.items]


class BookingPage(Page):
    def links(self, shown: Shown) -> Sequence[Link]:
        if shown.data is None:
            return ()
        event_id, user_id = shown.data["event_id"], shown.data["user_id"]
        return [
            Link("How full the event is", f"{_event(event_id)}/status"),
            Link("The event's bookings", f"{_event(event_id)}/bookings"),
            Link("The user's bookings", f"{BOOKINGS}?{urlencode({'user_id': user_id})}"),
            *_at_event_service(event_id),
        ]

    def forms(self, shown: Shown) -> Sequence[Form]:
        booking = shown.data
        if booking is None or booking["status"] == BookingStatus.CANCELLED:
            return []
        form = Form(
            title="Cancel it",
            button="Cancel this booking",
            method="DELETE",
            url=BOOKING.format_map(booking),
            question="Cancel this booking? The first user on the waitlist gets the seat.",
        )
        return [form]


def _event(event_id: int | str) -> str:
    return f"/api/v1/events/{event_id}"


def _at_event_service(event_id: int | str) -> list[Link]:
    if not settings.EVENT_PUBLIC_URL:
        return []
    return [Link("The event", settings.EVENT_PUBLIC_URL + _event(event_id))]


def _row(booking: Mapping[str, Any], whose: str) -> Link:
    return Link(f"#{booking['id']} {whose}: {booking['status']}", BOOKING.format_map(booking))
