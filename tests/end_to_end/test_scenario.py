"""The ten steps of the reference's API test, in its order."""

from tests.support.end_to_end.clients import EVENTS, Sale, assert_problem, event_input


def test_a_sale_from_the_first_booking_to_the_promotion_of_the_first_in_line(sale: Sale) -> None:
    # 1. Create Event
    response = sale.events.post(EVENTS, json=event_input())
    assert response.status_code == 201
    event = response.json()["id"]
    sale.wait_for(event)

    # 2. Get Event Status
    assert sale.status(event)["seats_available"] == 50

    # 3. Create Booking #1
    first = sale.booked(event, "user-001")
    assert first["status"] == "confirmed"

    # 4. Double Booking Prevention
    assert "already" in assert_problem(sale.book(event, "user-001"), 409)["message"]

    # 5. Fill All 50 Seats
    others = [sale.booked(event, f"user-{number:03}") for number in range(2, 51)]
    assert {booking["status"] for booking in others} == {"confirmed"}

    # 6. Verify Seats Full
    assert sale.counts(event) == (50, 0, 0)

    # 7. Create Waitlist Booking
    waiting = sale.booked(event, "user-051")
    assert (waiting["status"], waiting["waitlist_order"]) == ("waitlisted", 1)

    # 8. Fully Booked Rejection
    for number in range(52, 56):
        assert sale.booked(event, f"user-{number:03}")["status"] == "waitlisted"
    assert "fully booked" in assert_problem(sale.book(event, "user-056"), 409)["message"]

    # 9. Cancel Booking
    response = sale.cancel(first["id"])
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"

    # 10. Waitlist Promotion
    promoted = sale.booking(waiting["id"])
    assert promoted["user_id"] == "user-051"
    assert promoted["status"] == "confirmed"
    assert "waitlist_order" not in promoted
    assert sale.counts(event) == (50, 4, 0)
