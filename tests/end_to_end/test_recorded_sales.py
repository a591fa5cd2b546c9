"""A sale is recorded by all processes that decide something."""

from tests.support.end_to_end.clients import Sale, all_at_once
from tests.support.end_to_end.system import OwnProcesses
from tests.support.waiting import until

CONFIRMED, WAITLISTED, PROMOTED, CANCELLED, FULLY_BOOKED = 4, 5, 6, 7, 8


def recorded(sale: Sale, event_id: int) -> list[int]:
    """The latest second; empty if there is none."""
    answer = sale.bookings.get(f"/events/{event_id}/sale.json")
    assert answer.status_code == 200, answer.text
    seconds: list[list[int]] = answer.json()["seconds"]
    return seconds[-1] if seconds else []


def test_workers_and_consumer_add_up_to_what_clients_were_told(sale: Sale) -> None:
    event_id = sale.create_event(max_seats=30, waitlist_limit=20)
    users = [f"user-{number}" for number in range(60)]

    answers = all_at_once(lambda user: sale.book(event_id, user), users)
    booked = [answer.json() for answer in answers if answer.status_code == 201]
    seated = [booking["id"] for booking in booked if booking["status"] == "confirmed"]
    for booking in seated[:5]:
        assert sale.cancel(booking).status_code == 200
    sale.events.patch(f"/api/v1/events/{event_id}", json={"max_seats": 40})

    def complete() -> list[int]:
        second = recorded(sale, event_id)
        return second if second and second[PROMOTED] == 15 else []

    second = until(complete, "all of the sale")
    assert second[1:8] == [40, 40, 5, 30, 20, 15, 5]
    assert second[FULLY_BOOKED] == 10
    sale.events.post(f"/api/v1/events/{event_id}/cancel")
    until(lambda: recorded(sale, event_id)[CANCELLED] == 50, "the cancelled event's bookings")


def test_a_process_that_is_stopped_writes_what_it_has(sale: Sale, own: OwnProcesses) -> None:
    event_id = sale.create_event()

    sale.booked(event_id, "ann")
    with own.stopped(own.booking):
        pass

    assert recorded(sale, event_id)[CONFIRMED] == 1
