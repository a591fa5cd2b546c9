"""SIGHUP replaces gunicorn's workers by new ones, and no request is lost."""

import signal
import threading

import httpx
import psutil
import pytest

from tests.support.end_to_end.clients import open_client
from tests.support.end_to_end.system import OwnProcesses
from tests.support.waiting import until


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_reload_replaces_all_workers_and_loses_no_request(
    own: OwnProcesses, service: str
) -> None:
    with own.another_service(service, f"{service}-reloaded") as url:
        part = own.extra[-1]
        before = {worker.pid for worker in part.workers}
        ended = threading.Event()
        failures: list[str] = []

        def ask() -> None:
            """On a new connection each time: one that is kept may be closed at any moment."""
            while not ended.is_set():
                try:
                    response = httpx.get(f"{url}/health", trust_env=False, timeout=60)
                    if response.status_code != 200:
                        failures.append(response.text)
                except httpx.TransportError as error:
                    failures.append(repr(error))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            psutil.Process(part.pid).send_signal(signal.SIGHUP)
            until(
                lambda: (
                    len(part.workers) == len(before)
                    and before.isdisjoint(worker.pid for worker in part.workers)
                ),
                "only new workers",
            )
        finally:
            ended.set()
            asking.join()

        client = open_client(url)
        assert client.get("/metrics").status_code == 200
        client.close()
        assert failures == []
