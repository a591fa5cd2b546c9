"""Waits for what must happen, however busy the machine is."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from booking_project.bookings import admission
from tests.support.booking.held_rows import database_patience
from tests.support.booking.on_a_cluster import distributed_if_asked_for
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with distributed_if_asked_for(django_db_blocker):
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_database(django_db_setup: None) -> Iterator[None]:
    with database_patience(lock_seconds=PATIENCE_SECONDS, pool_seconds=PATIENCE_SECONDS):
        yield


@pytest.fixture(autouse=True)
def _patient_admission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_WAIT_SECONDS", PATIENCE_SECONDS)
