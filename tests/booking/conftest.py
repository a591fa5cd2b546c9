from collections.abc import Iterator

import pytest
from django.test import Client

from booking_project.bookings.services import bookings


@pytest.fixture
def browser() -> Client:
    """An HTTP client that gets what a stranger gets: a failure is an answer, not an exception."""
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _fresh_admission() -> Iterator[None]:
    """Admission is made once per process, from the settings; each test has its own."""
    bookings._admission.cache_clear()
    yield
    bookings._admission.cache_clear()
