"""Without a collector, nothing of OpenTelemetry is there."""

import os
import subprocess
import sys

import pytest

from devstack.reference import REQUIRED_VALUES
from tests.support.variables import ROOT

LOADED = """
import sys
import {service}_project.wsgi
from django.core.management import load_command_class
{commands}
print("opentelemetry" in {{name.partition(".")[0] for name in sys.modules}})
"""
WORKERS = {
    "event": {"shared.outbox": "relay_outbox"},
    "booking": {
        "shared.outbox": "relay_outbox",
        "booking_project.bookings": "consume_events",
        "booking_project.notifications": "notify_bookings",
    },
}


def loads_it(service: str, **environ: str) -> bool:
    commands = "\n".join(
        f"load_command_class({app!r}, {name!r})" for app, name in WORKERS[service].items()
    )
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(service=service, commands=commands)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **REQUIRED_VALUES, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout == "True\n"


@pytest.mark.parametrize("service", WORKERS)
def test_a_service_loads_opentelemetry_only_if_there_is_a_collector(service: str) -> None:
    assert not loads_it(service)
    assert loads_it(service, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
