from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.broker import Broker, connected
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A real RabbitMQ with our topology and empty queues."""
    with connected() as broker:
        yield broker


@pytest.fixture
def proxy(broker: Broker) -> Iterator[TcpProxy]:
    """A proxy to that RabbitMQ that can be cut and frozen."""
    parts = urlsplit(broker.url)
    proxy = TcpProxy(parts.hostname or "", parts.port or 5672)
    yield proxy
    proxy.close()
