"""Waits for what must happen, however busy the machine is."""

from collections.abc import Iterator

import pytest

from booking_project.bookings import admission
from tests.support.booking.held_rows import database_patience
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="session", autouse=True)
def _patient_database(django_db_setup: None) -> Iterator[None]:
    with database_patience(lock_seconds=PATIENCE_SECONDS, pool_seconds=PATIENCE_SECONDS):
        yield


@pytest.fixture(autouse=True)
def _patient_admission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_WAIT_SECONDS", PATIENCE_SECONDS)
