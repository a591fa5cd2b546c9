"""`GET /health/ready` says whether a balancer should send requests here. A database that is away or
frozen is in tests/end_to_end/test_outages.py."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from shared.api.readiness import BEHIND_SECONDS
from shared.db.readiness import DatabaseReadiness
from shared.observability.draining import draining
from shared.outbox.models import OutboxEntry
from tests.support.event.http import assert_problem
from tests.support.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)  # it is asked from another thread

applied = MigrationRecorder.Migration.objects


@pytest.fixture
def about_to_end() -> Iterator[None]:
    draining.set()
    yield
    draining.clear()


@pytest.fixture
def missing() -> Iterator[str]:
    """A migration that is not applied."""
    last = applied.filter(app="events").latest("name")
    last.delete()
    yield last.name
    applied.get_or_create(app="events", name=last.name)


def test_it_is_ready(client: Client) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {"status": "ready", "service": "event-service", "broker": "ok"}


def test_messages_that_wait_for_the_broker_are_reported_and_do_not_matter(client: Client) -> None:
    entry = OutboxEntry.objects.create(exchange="events", size=1, messages="")
    long_ago = timezone.now() - timedelta(seconds=BEHIND_SECONDS + 1)
    OutboxEntry.objects.filter(pk=entry.pk).update(created_at=long_ago)

    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["broker"] == "behind"


def test_it_is_ready_once_the_migrations_are_there(missing: str) -> None:
    readiness = DatabaseReadiness(measure=float)
    assert readiness.check().complaint == f"migrations are missing: events.{missing}"

    applied.create(app="events", name=missing)

    assert readiness.check().complaint == ""


@pytest.mark.usefixtures("about_to_end")
def test_a_process_that_is_about_to_end_wants_no_requests(client: Client) -> None:
    problem = assert_problem(client.get("/health/ready"), 503, code="not_ready")

    assert problem["detail"] == "the process is about to end"
    assert client.get("/health").status_code == 200


def test_only_reads_are_accepted(client: Client) -> None:
    assert_problem(client.post("/health/ready"), 405, code="method_not_allowed")
    assert client.head("/health/ready").status_code == 200


def test_probes_share_one_attempt_while_the_database_is_silent() -> None:
    asked: list[int] = []
    answers = threading.Event()

    def measure() -> float:
        asked.append(1)
        answers.wait(PATIENCE_SECONDS)
        return 7

    readiness = DatabaseReadiness(measure=measure)
    with ThreadPoolExecutor(5) as threads:
        probes = [threads.submit(readiness.check) for _ in range(5)]
        complaints = {probe.result().complaint for probe in probes}
        until(lambda: asked, "the attempt")

        assert complaints == {"the database has not answered within 1 s"}
        assert readiness.check().complaint
        assert len(asked) == 1
        answers.set()
        until(lambda: readiness.check() == ("", 7), "its answer")
