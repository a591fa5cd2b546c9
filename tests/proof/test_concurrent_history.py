"""Hundreds of clients, workers killed at random, and a final state that must follow from both.

PROOF_SECONDS and PROOF_CLIENTS make it longer (`make test-proof`).
"""

import os
import random
import time
from base64 import urlsafe_b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from json import loads
from typing import Any

import pytest
from django.db import connection

from booking_project.bookings.reconciliation import find_discrepancies
from booking_project.bookings.services.events import EventState, event_sync
from tests.support.proof.booking_api import BookingApi, running_booking_api
from tests.support.proof.clients import Crowd
from tests.support.proof.history import FinalState, contradictions
from tests.support.waiting import PATIENCE_SECONDS, until

SECONDS = float(os.environ.get("PROOF_SECONDS", "6"))
CLIENTS = int(os.environ.get("PROOF_CLIENTS", "100"))
EVENTS = {1: (50, 20), 2: (5, 5), 3: (1, 0), 4: (200, 0)}


def announce(event_id: int, *, max_seats: int, waitlist_limit: int) -> None:
    now = datetime.now(UTC)
    event_sync(
        EventState(
            id=event_id,
            name=f"Sale {event_id}",
            max_seats=max_seats,
            waitlist_limit=waitlist_limit,
            price=Decimal(10),
            booking_start_at=now - timedelta(hours=1),
            booking_end_at=now + timedelta(hours=1),
            created_at=now,
            updated_at=now,
            version=1,
            cancelled_at=None,
        )
    )


def get(api: BookingApi, path: str) -> Any:
    with closing(HTTPConnection("127.0.0.1", api.port, timeout=PATIENCE_SECONDS)) as http:
        http.request("GET", path)
        response = http.getresponse()
        assert response.status == 200
        return loads(response.read())


def final_state(api: BookingApi, event_id: int) -> FinalState:
    status = get(api, f"/api/v1/events/{event_id}/status")
    bookings: list[dict[str, Any]] = []
    cursor = 0
    while page := _page_after(api, event_id, cursor):
        bookings += page
        cursor = page[-1]["id"]
    return FinalState(
        event_id=event_id,
        max_seats=status["max_seats"],
        waitlist_limit=status["waitlist_limit"],
        confirmed_count=status["confirmed_count"],
        waitlisted_count=status["waitlisted_count"],
        bookings=bookings,
    )


def _page_after(api: BookingApi, event_id: int, booking_id: int) -> list[dict[str, Any]]:
    cursor = urlsafe_b64encode(f"after:{booking_id}".encode()).decode().rstrip("=")
    page: list[dict[str, Any]] = get(
        api, f"/api/v1/events/{event_id}/bookings?limit=1000&cursor={cursor}"
    )
    return page


def wait_for_orphaned_transactions() -> None:
    """A killed worker's statement continues in PostgreSQL until that notices."""

    def none_is_open() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            return bool(cursor.fetchone()[0] == 0)

    until(none_is_open, "end of the transactions of killed workers")


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        count: int = cursor.fetchone()[0]
    return count


def enough(crowd: Crowd, *, kill_workers: bool) -> bool:
    """Whether operations succeeded, and a kill interrupted one."""
    outcomes = crowd.outcomes
    return outcomes["ok"] > 50 and (not kill_workers or outcomes["unknown"] > 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kill_workers", [False, True], ids=["undisturbed", "workers killed"])
def test_the_final_state_follows_from_what_clients_saw(kill_workers: bool) -> None:
    for event_id, (max_seats, waitlist_limit) in EVENTS.items():
        announce(event_id, max_seats=max_seats, waitlist_limit=waitlist_limit)
    with running_booking_api(workers=3) as api:
        crowd = Crowd(port=api.port, event_ids=list(EVENTS), users=150, seed=int(SECONDS))
        rng = random.Random(1)
        end = time.monotonic() + SECONDS
        with crowd.acting(clients=CLIENTS):
            while time.monotonic() < end or not enough(crowd, kill_workers=kill_workers):
                assert time.monotonic() < end + PATIENCE_SECONDS, f"only {crowd.outcomes}"
                time.sleep(rng.uniform(0.3, 1.0))
                if kill_workers:
                    api.wait_until_it_answers()
                    api.kill_a_worker(rng)
        api.wait_until_it_answers()
        wait_for_orphaned_transactions()
        found = [
            contradiction
            for event_id in EVENTS
            for contradiction in contradictions(crowd.history, final_state(api, event_id))
        ]
    print(f"{len(crowd.history)} operations: {dict(crowd.outcomes)} {dict(crowd.failures)}")
    # Asked to come again is who waited too long, as on a machine that is too busy.
    assert kill_workers or set(crowd.failures) <= {"503"}
    assert found == []
    assert list(find_discrepancies()) == []
    assert deadlocks() == 0
