from collections.abc import Iterator

import pytest
from django.test import Client

from booking_project.bookings.services import bookings


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
