"""Under load, SIGTERM and SIGHUP lose no request, on connections that are kept alive either."""

import signal

import psutil
import pytest

from tests.support.end_to_end.callers import Callers
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.kept_alive import KeptAlive
from tests.support.end_to_end.system import OwnProcesses
from tests.support.waiting import until

WORKERS = 2
CLIENTS = 200 * WORKERS
# Enough that all clients of a busy machine get their last answer.
DRAIN_SECONDS = 8


def clients_of(service: str, sale: Sale, url: str) -> KeptAlive:
    event_id = None
    if service == "booking":
        event_id = sale.create_event(max_seats=1_000_000)
    return KeptAlive(url, event_id=event_id)


def environ_of(service: str) -> dict[str, str]:
    return {f"{service.upper()}_WORKERS": str(WORKERS), "DRAIN_SECONDS": str(DRAIN_SECONDS)}


def counted(clients: KeptAlive) -> int:
    return clients.answers.total()


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_stop_answers_everything_that_was_sent(
    own: OwnProcesses, sale: Sale, service: str
) -> None:
    environ = environ_of(service)
    with own.another_service(service, f"{service}-drained", **environ) as url:
        part = own.extra[-1]
        clients = clients_of(service, sale, url)
        with clients.running(CLIENTS):
            until(lambda: counted(clients) > 2 * CLIENTS, "answers")
            assert part.stop() == 0

        assert clients.failures == []
        assert clients.last_of_their_connection >= CLIENTS
        assert clients.refused_probes > 0
        assert part.text().count("Worker exiting") == WORKERS
        success = 201 if service == "booking" else 200
        assert set(clients.answers) == {success}
        if clients.event_id is not None:
            assert sale.counts(clients.event_id)[0] == clients.answers[success]


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_reload_answers_everything_and_stays_ready(
    own: OwnProcesses, sale: Sale, service: str
) -> None:
    environ = environ_of(service)
    with own.another_service(service, f"{service}-reloaded-under-load", **environ) as url:
        part = own.extra[-1]
        clients = clients_of(service, sale, url)
        before = {worker.pid for worker in part.workers}
        with clients.running(CLIENTS):
            until(lambda: counted(clients) > 2 * CLIENTS, "answers")
            psutil.Process(part.pid).send_signal(signal.SIGHUP)
            until(
                lambda: (
                    len(part.workers) == WORKERS
                    and before.isdisjoint(worker.pid for worker in part.workers)
                ),
                "only new workers",
            )
            reached = counted(clients)
            until(lambda: counted(clients) > reached + CLIENTS, "answers of the new workers")

        assert clients.failures == []
        assert clients.last_of_their_connection >= CLIENTS
        assert clients.refused_probes == 0


@pytest.mark.parametrize("service", ["event", "booking"])
def test_who_gets_a_connection_gets_an_answer_until_the_port_is_closed(
    own: OwnProcesses, service: str
) -> None:
    """nginx connects until then. A connection that is reset may have had a request on it."""
    environ = {f"{service.upper()}_WORKERS": str(WORKERS), "DRAIN_SECONDS": "1"}
    with own.another_service(service, f"{service}-hammered", **environ) as url:
        part = own.extra[-1]
        callers = Callers(url)
        with callers.calling():
            until(lambda: callers.answered > 100, "answers")
            assert part.stop() == 0

    assert callers.failures == []
    assert callers.turned_away > 0
