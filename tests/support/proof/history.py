"""What clients did and saw, and whether the final state follows from it.

Each operation is logged when it is invoked and when it ends: `ok` (2xx), `refused` (4xx), or
`unknown` (no answer, or a 5xx: it may or may not have happened).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["ok", "refused", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Booked:
    event_id: int
    user_id: str
    outcome: Outcome
    booking: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    event_id: int
    booking_id: int
    outcome: Outcome
    already: bool = False


Operation = Booked | Cancelled


@dataclass(kw_only=True)
class FinalState:
    """What the API shows of one event at the end."""

    event_id: int
    max_seats: int
    waitlist_limit: int
    confirmed_count: int
    waitlisted_count: int
    bookings: Sequence[dict[str, Any]] = field(default_factory=list)

    def with_status(self, status: str) -> list[dict[str, Any]]:
        return [booking for booking in self.bookings if booking["status"] == status]


def contradictions(history: Sequence[Operation], final: FinalState) -> list[str]:
    """Everything in `final` that can't follow from `history` in a correct system."""
    mine = [operation for operation in history if operation.event_id == final.event_id]
    books = [operation for operation in mine if isinstance(operation, Booked)]
    cancels = [operation for operation in mine if isinstance(operation, Cancelled)]
    return [
        *_acknowledged_bookings_are_there(books, cancels, final),
        *_bookings_were_asked_for(books, final),
        *_cancellations_took_place_once(cancels, final),
        *_places_are_not_oversold(final),
        *_nobody_waits_beside_a_free_seat(final),
        *_the_line_is_kept(books, final),
    ]


def _acknowledged_bookings_are_there(
    books: Sequence[Booked], cancels: Sequence[Cancelled], final: FinalState
) -> Iterator[str]:
    found = {booking["id"]: booking for booking in final.bookings}
    cancelled = {cancel.booking_id for cancel in cancels if cancel.outcome == "ok"}
    perhaps_cancelled = {cancel.booking_id for cancel in cancels if cancel.outcome == "unknown"}
    for book in books:
        if book.booking is None:
            continue
        booking = found.get(book.booking["id"])
        if booking is None:
            yield f"booking {book.booking['id']} was acknowledged and is lost"
        elif booking["user_id"] != book.user_id:
            yield f"booking {booking['id']} went to another user"
        elif booking["status"] == "cancelled":
            if booking["id"] not in cancelled | perhaps_cancelled:
                yield f"booking {booking['id']} is cancelled, which nobody asked for"
        elif booking["id"] in cancelled:
            yield f"booking {booking['id']} was cancelled and is {booking['status']}"
        elif book.booking["status"] == "confirmed" and booking["status"] == "waitlisted":
            yield f"booking {booking['id']} was confirmed and waits now"


def _bookings_were_asked_for(books: Sequence[Booked], final: FinalState) -> Iterator[str]:
    possible = Counter(book.user_id for book in books if book.outcome != "refused")
    present = Counter(booking["user_id"] for booking in final.bookings)
    for user_id, count in present.items():
        if count > possible[user_id]:
            yield f"{user_id} has {count} bookings, {possible[user_id]} can have succeeded"
    active = Counter(b["user_id"] for b in final.bookings if b["status"] != "cancelled")
    for user_id, count in active.items():
        if count > 1:
            yield f"{user_id} has {count} active bookings"


def _cancellations_took_place_once(
    cancels: Sequence[Cancelled], final: FinalState
) -> Iterator[str]:
    ok = Counter(cancel.booking_id for cancel in cancels if cancel.outcome == "ok")
    for booking_id, count in ok.items():
        if count > 1:
            yield f"booking {booking_id} was cancelled {count} times"
    status = {booking["id"]: booking["status"] for booking in final.bookings}
    for cancel in cancels:
        if cancel.already and status.get(cancel.booking_id) != "cancelled":
            yield f"booking {cancel.booking_id} was called cancelled and isn't"


def _places_are_not_oversold(final: FinalState) -> Iterator[str]:
    confirmed, waitlisted = (len(final.with_status(s)) for s in ("confirmed", "waitlisted"))
    if confirmed > final.max_seats:
        yield f"{confirmed} confirmed for {final.max_seats} seats"
    if waitlisted > final.waitlist_limit:
        yield f"{waitlisted} waitlisted for {final.waitlist_limit} places"
    if (confirmed, waitlisted) != (final.confirmed_count, final.waitlisted_count):
        yield f"counts {final.confirmed_count} + {final.waitlisted_count}, has the bookings wrong"


def _nobody_waits_beside_a_free_seat(final: FinalState) -> Iterator[str]:
    idle = final.max_seats - len(final.with_status("confirmed"))
    if idle > 0 and final.with_status("waitlisted"):
        yield f"{idle} idle seats while somebody waits"


def _the_line_is_kept(books: Sequence[Booked], final: FinalState) -> Iterator[str]:
    orders: dict[int, list[int]] = defaultdict(list)
    for book in books:
        if book.booking is not None and "waitlist_order" in book.booking:
            orders[book.booking["waitlist_order"]].append(book.booking["id"])
    for order, holders in orders.items():
        if len(holders) > 1:
            yield f"waitlist number {order} was given to {holders}"
    order_of = {holders[0]: order for order, holders in orders.items()}
    waiting = [booking["waitlist_order"] for booking in final.with_status("waitlisted")]
    promoted = [order_of[b["id"]] for b in final.with_status("confirmed") if b["id"] in order_of]
    if waiting and promoted and max(promoted) > min(waiting):
        yield f"number {max(promoted)} was promoted while {min(waiting)} waits"
