from collections.abc import Iterator

import pytest
from django.test import Client

from shared.outbox import after_commit
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
def client() -> Client:
    """A client that gets the answer to an unhandled exception, not the exception."""
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _fresh_publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process remembers its connection and that the broker was away; a test must not.

    A broker that answers is waited for, however busy the machine is.
    """
    monkeypatch.setattr(after_commit, "PUBLISH_SECONDS", PATIENCE_SECONDS)
    after_commit._publisher.cache_clear()
    yield
    if after_commit._publisher.cache_info().currsize:
        after_commit._publisher().close()
        after_commit._publisher.cache_clear()
