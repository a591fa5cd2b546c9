"""Prometheus beside the running services, with the configuration and rules of deploy/monitoring."""

import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from devstack import apps, prometheus
from devstack.environment import ROOT
from devstack.ports import LOOPBACK
from devstack.runner import Program

NAME = "prometheus"
PORT = "PROMETHEUS_PORT"
CONFIGURATION = ROOT / "deploy" / "monitoring"
FILES = ("prometheus.yml", "rules.yml")
# What the rules call the parts.
JOBS = {
    "event": "event-api",
    "booking": "booking-api",
    "event_relay": "event-relay",
    "booking_relay": "booking-relay",
    "consumer": "consumer",
    "notifier": "notifier",
}


def program(data: Path, ports: Mapping[str, int]) -> Program:
    """It can be run once it is prepared."""
    return Program(
        name=NAME,
        group="monitoring",
        command=[
            "sh",
            str(_folder(data) / "run"),
            f"--web.listen-address={LOOPBACK}:{ports[PORT]}",
        ],
    )


def prepare(data: Path, ports: Mapping[str, int]) -> None:
    """Installs it if needed, and writes its configuration."""
    prometheus.install()
    executable = prometheus.executable()
    assert executable
    folder = _folder(data)
    folder.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copy(CONFIGURATION / file, folder)
    (folder / "targets.yml").write_text(json.dumps(_targets(ports), indent=2))
    words = [
        executable,
        *prometheus.options(),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
    ]
    (folder / "run").write_text(f'exec {shlex.join(words)} "$@"\n')


def url(ports: Mapping[str, int]) -> str:
    return f"http://localhost:{ports[PORT]}"


def is_ready(ports: Mapping[str, int]) -> bool:
    return apps.answers(ports[PORT], "/-/ready")


def _targets(ports: Mapping[str, int]) -> list[dict[str, object]]:
    return [
        {"targets": [apps.metrics_address(name, ports)], "labels": {"job": job}}
        for name, job in JOBS.items()
    ]


def _folder(data: Path) -> Path:
    return data / "prometheus"
