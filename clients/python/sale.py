"""A sale through the generated Python clients: sale.py EVENT_URL BOOKING_URL TOKEN

A test checks its types and runs it, so it also shows how the clients are used.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx
from booking_service_client import AuthenticatedClient as BookingClient
from booking_service_client.api.bookings import (
    cancel_booking,
    create_booking,
    get_booking,
    list_event_bookings,
)
from booking_service_client.api.events import get_event_status
from booking_service_client.api.events import list_events as list_copies
from booking_service_client.models import (
    Booking,
    BookingStatus,
    EventStatus,
    ListedEvent,
    NewBooking,
    Problem,
)
from booking_service_client.types import UNSET
from event_service_client import AuthenticatedClient as EventClient
from event_service_client.api.events import (
    cancel_event,
    create_event,
    get_event,
    list_events,
    update_event,
)
from event_service_client.models import Event, EventChanges, NewEvent
from event_service_client.models import Problem as EventProblem

ARRIVAL_SECONDS = 30


class Sale:
    def __init__(self, events: EventClient, bookings: BookingClient) -> None:
        self._events = events
        self._bookings = bookings

    def run(self) -> None:
        # 1. Create Event
        event = self._create_event()

        # 2. Get Event Status
        self._wait_for(event)
        assert self._counts(event) == (0, 0, 50)

        # 3. Create Booking #1
        first = self._booked(event, "user-001")
        assert first.status is BookingStatus.CONFIRMED
        assert first.waitlist_order is UNSET

        # 4. Double Booking Prevention
        refusal = self._refused(event, "user-001")
        assert (refusal.status, refusal.code) == (HTTPStatus.CONFLICT, "already_booked")
        assert "already" in refusal.message

        # 5. Fill All 50 Seats
        others = [self._booked(event, f"user-{number:03}") for number in range(2, 51)]
        assert {booking.status for booking in others} == {BookingStatus.CONFIRMED}

        # 6. Verify Seats Full
        assert self._counts(event) == (50, 0, 0)

        # 7. Create Waitlist Booking
        waiting = self._booked(event, "user-051")
        assert (waiting.status, waiting.waitlist_order) == (BookingStatus.WAITLISTED, 1)

        # 8. Fully Booked Rejection
        for number in range(52, 56):
            assert self._booked(event, f"user-{number:03}").status is BookingStatus.WAITLISTED
        refusal = self._refused(event, "user-056")
        assert (refusal.status, refusal.code) == (HTTPStatus.CONFLICT, "fully_booked")
        assert "fully booked" in refusal.message

        # 9. Cancel Booking
        cancelled = cancel_booking.sync(first.id, client=self._bookings)
        assert isinstance(cancelled, Booking), cancelled
        assert cancelled.status is BookingStatus.CANCELLED

        # 10. Waitlist Promotion
        promoted = get_booking.sync(waiting.id, client=self._bookings)
        assert isinstance(promoted, Booking), promoted
        assert (promoted.user_id, promoted.status) == ("user-051", BookingStatus.CONFIRMED)
        assert promoted.waitlist_order is UNSET
        assert self._counts(event) == (50, 4, 0)

        self._look_at_lists(event)
        self._change_and_cancel(event)

    def _create_event(self) -> int:
        now = datetime.now(UTC)
        new = NewEvent(
            name="Golang Workshop Bangkok",
            max_seats=50,
            waitlist_limit=5,
            price=2500.5,
            booking_start_at=now - timedelta(hours=1),
            booking_end_at=now + timedelta(hours=1),
            venue="BITEC, Bangkok",
            starts_at=now + timedelta(days=7),
        )
        answer = create_event.sync_detailed(client=self._events, body=new)
        assert answer.status_code is HTTPStatus.CREATED
        assert isinstance(answer.parsed, Event), answer.parsed
        assert answer.parsed.price == 2500.5
        assert answer.parsed.booking_end_at == new.booking_end_at
        assert answer.parsed.cancelled_at is None
        assert answer.parsed.starts_at == new.starts_at
        assert (answer.parsed.ends_at, answer.parsed.currency) == (None, "THB")
        return answer.parsed.id

    def _wait_for(self, event_id: int) -> None:
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while isinstance(get_event_status.sync(event_id, client=self._bookings), Problem):
            assert time.monotonic() < deadline, "the event does not arrive"
            time.sleep(0.05)

    def _booked(self, event_id: int, user_id: str) -> Booking:
        body = NewBooking(user_id=user_id)
        booking = create_booking.sync(event_id, client=self._bookings, body=body)
        assert isinstance(booking, Booking), booking
        assert (booking.event_id, booking.user_id) == (event_id, user_id)
        return booking

    def _refused(self, event_id: int, user_id: str) -> Problem:
        body = NewBooking(user_id=user_id)
        problem = create_booking.sync(event_id, client=self._bookings, body=body)
        assert isinstance(problem, Problem), problem
        return problem

    def _counts(self, event_id: int) -> tuple[int, int, int]:
        """Confirmed, waitlisted, available."""
        status = get_event_status.sync(event_id, client=self._bookings)
        assert isinstance(status, EventStatus), status
        return status.confirmed_count, status.waitlisted_count, status.seats_available

    def _look_at_lists(self, event_id: int) -> None:
        waiting = list_event_bookings.sync_detailed(
            event_id, client=self._bookings, status=BookingStatus.WAITLISTED, limit=3
        )
        assert isinstance(waiting.parsed, list), waiting.parsed
        assert [booking.waitlist_order for booking in waiting.parsed] == [2, 3, 4]
        assert 'rel="next"' in waiting.headers["Link"]

        [listed] = self._listed(event_id)
        assert (listed.venue, listed.version) == ("BITEC, Bangkok", 1)
        assert (listed.confirmed_count, listed.seats_available) == (50, 0)

        events = list_events.sync(client=self._events, limit=1)
        assert isinstance(events, list), events
        assert len(events) == 1

    def _listed(self, event_id: int) -> list[ListedEvent]:
        """As the booking service knows it."""
        events = list_copies.sync(client=self._bookings, id=[event_id])
        assert isinstance(events, list), events
        return events

    def _change_and_cancel(self, event_id: int) -> None:
        found = get_event.sync_detailed(event_id, client=self._events)
        changed = update_event.sync(
            event_id,
            client=self._events,
            body=EventChanges(name="Golang Workshop, moved"),
            if_match=found.headers["ETag"],
        )
        assert isinstance(changed, Event), changed
        assert (changed.name, changed.max_seats, changed.version) == (
            "Golang Workshop, moved",
            50,
            2,
        )
        cancelled = cancel_event.sync(event_id, client=self._events)
        assert isinstance(cancelled, Event), cancelled
        assert cancelled.cancelled_at is not None
        late = update_event.sync(event_id, client=self._events, body=EventChanges(max_seats=60))
        assert isinstance(late, EventProblem), late
        assert late.code == "event_cancelled"


def main(event_url: str, booking_url: str, token: str) -> None:
    # Open services ignore the token. Proxies from the environment are not used, because the
    # services may run on this machine.
    direct, timeout = {"trust_env": False}, httpx.Timeout(30)
    with (
        EventClient(event_url, token=token, timeout=timeout, httpx_args=direct) as events,
        BookingClient(booking_url, token=token, timeout=timeout, httpx_args=direct) as bookings,
    ):
        Sale(events, bookings).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
