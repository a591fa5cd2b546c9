"""On one host, systemd keeps the ports of the APIs: one instance of each is enough."""

import signal
from pathlib import Path

import psutil

from tests.support.soak.system import BOOKING_API, EVENT_API, Instance, fleet
from tests.support.soak.trial import Soak
from tests.support.waiting import until

RATE = 40


def test_a_restart_and_a_reload_behind_nginx_cost_no_request(tmp_path: Path) -> None:
    with fleet(tmp_path, instances=1, kept_ports=True) as system:
        soak = Soak(system)
        with soak.under_load(rate=RATE):
            for name in (EVENT_API, BOOKING_API):
                (instance,) = system.kinds[name]
                instance.restart()
                reload(instance)
                until_more_requests(soak)
        assert soak.faults() == []
        soak.verify()


def reload(instance: Instance) -> None:
    """`systemctl reload`."""
    before = {worker.pid for worker in instance.part.workers}
    psutil.Process(instance.part.pid).send_signal(signal.SIGHUP)
    until(
        lambda: before.isdisjoint(worker.pid for worker in instance.part.workers),
        "only new workers",
    )


def until_more_requests(soak: Soak) -> None:
    reached = len(soak.requests)
    until(lambda: len(soak.requests) > reached + RATE, "requests")
