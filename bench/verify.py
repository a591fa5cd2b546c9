"""Checks that what the API holds after a load matches what it answered during the load."""

from collections.abc import Iterator

from bench.client import Client
from bench.database import Database
from bench.generator import BUSY, Load
from bench.seed import Events
from bench.server import Server, verify_bookings


def find_faults(
    load: Load, events: Events, *, expected: frozenset[str], database: Database, server: Server
) -> list[str]:
    """One sentence per fault. `expected` holds the answers this load may get, besides 503."""
    faults = [*_unexpected_answers(load, expected)]
    server.wait_until_quiet()
    with Client(server.url) as client:
        faults += _faulty_counts(load, events, client)
    disagreement = verify_bookings(server)
    if disagreement:
        faults.append(disagreement)
    if database.deadlocks:
        faults.append(f"PostgreSQL had to resolve {database.deadlocks} deadlocks")
    return faults


def _unexpected_answers(load: Load, expected: frozenset[str]) -> Iterator[str]:
    if not load.answers.keys() & expected:
        yield f"none of {', '.join(sorted(expected))} was answered"
    for answer, count in load.answers.items():
        if answer not in expected and not answer.startswith(BUSY):
            yield f"{count} unexpected answers {answer!r}"
    if load.socket_errors:
        yield f"{load.socket_errors} connections failed or timed out"


def _faulty_counts(load: Load, events: Events, client: Client) -> Iterator[str]:
    """Compares the events as users see them with the answers that were counted.

    Everything that was acknowledged must be there. There may be one more for each connection whose
    last request wasn't waited for, and for each 503, which leaves open what happened.
    """
    confirmed = waitlisted = cancelled = 0
    for event_id in events.ids:
        status = client.status(event_id)
        confirmed += status["confirmed_count"]
        waitlisted += status["waitlisted_count"]
        yield from _faulty_event(status)
    acknowledged_cancels = load.answered("200 cancelled")
    if acknowledged_cancels:
        for event_id in events.ids:
            cancelled += len(client.bookings(event_id, status="cancelled"))
    held = (events.confirmed + events.waitlisted) * events.number
    made = confirmed + waitlisted + cancelled - held
    unanswered = load.connections + load.answered(BUSY)
    for what, acknowledged, found in (
        ("bookings", load.answered("201"), made),
        ("cancellations", acknowledged_cancels, cancelled),
    ):
        if not acknowledged <= found <= acknowledged + unanswered:
            yield (
                f"{acknowledged} {what} were acknowledged and at most {unanswered} left open, "
                f"but {found} are there"
            )
    if not acknowledged_cancels:
        # Without a cancellation nobody is promoted, so each outcome must add up on its own.
        for outcome, now, before in (
            ("confirmed", confirmed, events.confirmed * events.number),
            ("waitlisted", waitlisted, events.waitlisted * events.number),
        ):
            if load.answered(f"201 {outcome}") > now - before:
                yield f"more users were told that they are {outcome} than there are"
        if load.answered("409 fully_booked") and confirmed < events.seats * events.number:
            yield f"a user was told that it is full, with {confirmed} confirmed"


def _faulty_event(status: dict[str, int]) -> Iterator[str]:
    name = f"event {status['id']}"
    confirmed, waitlisted = status["confirmed_count"], status["waitlisted_count"]
    if confirmed > status["max_seats"]:
        yield f"{name} is oversold: {confirmed} confirmed for {status['max_seats']} seats"
    if waitlisted > status["waitlist_limit"]:
        yield f"{name} lets {waitlisted} wait in {status['waitlist_limit']} places"
    if waitlisted and confirmed < status["max_seats"]:
        yield f"{name} has idle seats while {waitlisted} wait"
    if status["seats_available"] != status["max_seats"] - confirmed:
        yield f"{name} offers {status['seats_available']} seats with {confirmed} confirmed"
