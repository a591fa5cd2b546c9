from collections.abc import Iterator

import pytest
from django.test import Client

from booking_project.bookings.services import bookings, waiting_room
from booking_project.bookings.signals import decided
from booking_project.guests import snapshots
from booking_project.sales import recorder


@pytest.fixture
def browser() -> Client:
    """An HTTP client that gets a response to a failure, not the exception."""
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _fresh_admission() -> Iterator[None]:
    """A process creates one admission from its settings; each test gets its own."""
    bookings._admission.cache_clear()
    yield
    bookings._admission.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _unrecorded() -> None:
    """The recorder would write from a thread of its own, while other tests empty the tables. Tests
    of sales have one that writes when they say so."""
    decided.disconnect(recorder.record)


@pytest.fixture(autouse=True)
def _fresh_snapshots() -> None:
    """Pages show what was true up to a second ago, which may have been another test."""
    snapshots.forget()
    waiting_room.forget()
