"""Real PostgreSQL and, if requested, a real RabbitMQ."""

from collections.abc import Iterator

import pytest

from tests.support.broker import Broker, connected


@pytest.fixture
def broker() -> Iterator[Broker]:
    """RabbitMQ with our topology and empty queues."""
    with connected() as broker:
        yield broker
