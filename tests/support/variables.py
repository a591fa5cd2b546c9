"""Which variables a part of the system reads, for tests of what sets them."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from devstack.reference import GUNICORN, SETTINGS, read_by

ROOT = Path(__file__).parents[2]

# The ports are fixed wherever this is used, each process knows how long it waits for its database,
# and none has a pooler before it.
FIXED = {"EVENT_PORT", "BOOKING_PORT", "DATABASE_WAITS", "DATABASE_POOLER"}
# Each call starts a process.
variables_of = cache(read_by)


def service_of(command: Sequence[str]) -> str:
    """`event` or `booking`: whose process this command starts."""
    (service,) = {
        each
        for each in SETTINGS
        if re.search(rf"\b(manage_)?{each}(\.py|_project\.)", " ".join(command))
    }
    return service


def read_variables(command: Sequence[str]) -> set[str]:
    """All that the process reads that this command starts, except `FIXED`."""
    service = service_of(command)
    wanted = set(variables_of(SETTINGS[service]))
    if "gunicorn" in " ".join(command):
        wanted |= set(variables_of(GUNICORN[service]))
    return wanted - FIXED
