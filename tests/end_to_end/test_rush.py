"""Many users book and cancel at the same moment."""

from collections import Counter

from tests.support.end_to_end.clients import Sale, all_at_once


def test_sixty_users_on_fifty_seats_and_five_places_in_line(sale: Sale) -> None:
    event = sale.create_event()

    answers = all_at_once(lambda user: sale.book(event, user), [f"user-{n}" for n in range(60)])

    assert Counter(answer.status_code for answer in answers) == {201: 55, 409: 5}
    booked = [answer.json() for answer in answers if answer.status_code == 201]
    assert Counter(booking["status"] for booking in booked) == {"confirmed": 50, "waitlisted": 5}
    orders = [each["waitlist_order"] for each in booked if each["status"] == "waitlisted"]
    assert sorted(orders) == [1, 2, 3, 4, 5]
    refused = [answer.json()["message"] for answer in answers if answer.status_code == 409]
    assert set(refused) == {"event is fully booked (seats + waitlist)"}
    assert sale.counts(event) == (50, 5, 0)
    assert len(sale.list(event)) == 55
    assert len({booking["id"] for booking in booked}) == 55


def test_one_user_ten_times_at_once_gets_one_booking(sale: Sale) -> None:
    event = sale.create_event()

    answers = all_at_once(lambda user: sale.book(event, user), ["eager"] * 10)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert sale.counts(event) == (1, 0, 49)
    assert len(sale.list(event)) == 1


def test_eight_cancels_of_one_booking_at_once_free_one_seat(sale: Sale) -> None:
    event = sale.create_event(max_seats=2, waitlist_limit=5)
    first, _ = [sale.booked(event, user) for user in ("a", "b")]
    waiting = [sale.booked(event, user)["id"] for user in ("c", "d", "e")]

    answers = all_at_once(sale.cancel, [first["id"]] * 8)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 7}
    messages = {answer.json()["message"] for answer in answers if answer.status_code == 400}
    assert messages == {"booking is already cancelled"}
    assert sale.counts(event) == (2, 2, 0)
    statuses = [sale.booking(booking_id)["status"] for booking_id in waiting]
    assert statuses == ["confirmed", "waitlisted", "waitlisted"]


def test_racing_cancels_and_bookings_leave_no_seat_empty_or_sold_twice(sale: Sale) -> None:
    event = sale.create_event(max_seats=10, waitlist_limit=20)
    mine = [sale.booked(event, f"early-{number}")["id"] for number in range(10)]

    def act(number: int) -> int:
        if number < 10:
            return sale.cancel(mine[number]).status_code
        return sale.book(event, f"late-{number}").status_code

    codes = all_at_once(act, range(40))

    assert Counter(codes[:10]) == {200: 10}
    booked = codes[10:].count(201)
    assert codes[10:].count(409) == 30 - booked
    assert 20 <= booked <= 30, "refused only while the line was full"
    assert sale.counts(event) == (10, booked - 10, 0)
    listed = Counter(booking["status"] for booking in sale.list(event))
    assert listed == {"confirmed": 10, "waitlisted": booked - 10, "cancelled": 10}
