"""Real PostgreSQL and, if requested, a real RabbitMQ."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.broker import Broker, connected
from tests.support.event.booking_service import BookingService
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
def broker() -> Iterator[Broker]:
    """RabbitMQ with our topology and empty queues."""
    with connected() as broker:
        yield broker


@pytest.fixture
def booking(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[BookingService]:
    from event_project.events.admin import standings

    monkeypatch.setattr(standings, "SECONDS", PATIENCE_SECONDS)
    with BookingService() as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        settings.BOOKING_URL = service.url
        settings.BOOKING_PUBLIC_URL = "https://booking.example"
        yield service
        service.shutdown()
