"""Groups are formed per process; between processes only the database's lock keeps order."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from booking_project.bookings.models import Booking
from tests.support.booking.factories import EventFactory, booked, users
from tests.support.booking.soundness import Tally, tally, unsound
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]
Step = dict[str, Any]


def in_processes(plans: Sequence[Sequence[Step]]) -> list[list[str]]:
    """Starts a process for each plan, at the same time, and returns the result of each step."""
    url = urlsplit(os.environ["BOOKING_DATABASE_URL"])
    test_database = url._replace(path="/" + str(connection.settings_dict["NAME"])).geturl()
    environment = {
        **os.environ,
        "BOOKING_DATABASE_URL": test_database,
        "BOOKING_LOCK_TIMEOUT_MS": str(int(PATIENCE_SECONDS * 1000)),
        "PYTHONPATH": str(ROOT),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.booking.other_process", json.dumps(plan)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for plan in plans
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [
            json.loads(process.communicate(timeout=PATIENCE_SECONDS)[0]) for process in processes
        ]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_sixty_users_in_three_processes_on_fifty_seats_and_five_places() -> None:
    event = EventFactory(max_seats=50, waitlist_limit=5)
    plan = [{"event": event.pk, "book": user} for user in users(60)]

    outcomes = in_processes([plan[0::3], plan[1::3], plan[2::3]])

    counted = Counter(outcome for process in outcomes for outcome in process)
    assert counted == {"confirmed": 50, "waitlisted": 5, "fully_booked": 5}
    assert tally(event.pk) == Tally(confirmed=50, waitlisted=5, cancelled=0)
    assert unsound(event.pk) == []


def test_the_same_user_in_three_processes_gets_one_booking() -> None:
    event = EventFactory()

    outcomes = in_processes([[{"event": event.pk, "book": "ann"}] * 8] * 3)

    counted = Counter(outcome for process in outcomes for outcome in process)
    assert counted == {"confirmed": 1, "already_booked": 23}
    assert unsound(event.pk) == []


def test_one_key_in_three_processes_makes_one_booking() -> None:
    event = EventFactory()

    outcomes = in_processes([[{"event": event.pk, "book": "ann", "key": "k"}] * 8] * 3)

    booking = Booking.objects.get()
    counted = Counter(outcome for process in outcomes for outcome in process)
    assert counted == {f"{booking.pk}": 1, f"{booking.pk} again": 23}
    assert unsound(event.pk) == []


def test_seats_given_up_in_one_process_and_booked_in_others_are_neither_lost_nor_doubled() -> None:
    event = EventFactory(max_seats=30, waitlist_limit=30)
    seated = booked(event, users(30))
    cancels = [{"cancel": booking.pk} for booking in seated]
    books = [
        [{"event": event.pk, "book": user} for user in users(25, prefix=prefix)]
        for prefix in ("early", "late")
    ]

    # The same cancellations in two processes: each succeeds in one of them.
    outcomes = in_processes([cancels, cancels, *books])

    counted = Counter(outcome for process in outcomes[:2] for outcome in process)
    assert counted == {"cancelled": 30, "already_cancelled": 30}
    assert unsound(event.pk) == []
    after = tally(event.pk)
    assert after.cancelled == 30
    refused = sum(process.count("fully_booked") for process in outcomes[2:])
    assert after.confirmed + after.waitlisted == 50 - refused
    assert after.confirmed == 30
