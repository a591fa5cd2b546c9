"""The address of a command's metrics."""

import argparse
import urllib.request

import pytest
from prometheus_client import Counter

from devstack.ports import free_port
from shared.observability.metrics import Address, address, serve_metrics
from tests.support.waiting import PATIENCE_SECONDS

SEEN = Counter("tests_seen", "Only here")


@pytest.mark.parametrize("text", ["127.0.0.1:9101", "localhost:1", "0.0.0.0:65535"])
def test_an_address_is_host_and_port(text: str) -> None:
    assert str(address(text).port) == text.rpartition(":")[2]


@pytest.mark.parametrize("text", ["", "9101", ":9101", "host:", "host:0", "host:65536", "host:٣"])
def test_an_invalid_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"like 127\.0\.0\.1:9101"):
        address(text)


def test_no_address_serves_nothing() -> None:
    serve_metrics(None)


def test_a_process_serves_what_it_counted() -> None:
    port = free_port()
    SEEN.inc()

    serve_metrics(Address("127.0.0.1", port))

    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS
    ) as response:
        assert b"tests_seen_total 1.0" in response.read()
