"""Whether a worker on this machine, or in this container, does its work."""

import time
from dataclasses import dataclass
from pathlib import Path

from shared.workers.heartbeat import Pulse, is_alive, read_all

# Longer than any step between two beats takes while all is well, and longer than the pause between
# two attempts to reach a broker that is away.
STALE_SECONDS = 30


@dataclass(frozen=True)
class Health:
    healthy: bool
    sentence: str


def check(folder: Path, worker: str) -> Health:
    """The worker must have at least one process, and all of them must be healthy."""
    pulses = [pulse for _, pulse in read_all(folder, worker) if pulse is not None]
    alive = [pulse for pulse in pulses if is_alive(pulse)]
    if not alive:
        return Health(False, _absent(worker, pulses))
    complaints = [complaint for pulse in alive if (complaint := complaint_of(pulse))]
    if complaints:
        return Health(False, f"{worker}: {'; '.join(complaints)}")
    return Health(True, f"{worker} works")


def _absent(worker: str, dead: list[Pulse]) -> str:
    if not dead:
        return f"{worker} is not running"
    last = max(dead, key=lambda pulse: pulse.beat)
    return f"{worker} is not running: process {last.pid} died {_ago(last.beat)} or later"


def complaint_of(pulse: Pulse) -> str:
    """What keeps the process from its work; empty if nothing does."""
    if pulse.waiting:
        late = f", and the last beat was {_ago(pulse.beat)}" if _is_stale(pulse) else ""
        return f"{pulse.waiting} (process {pulse.pid}, since {_seconds(pulse.since)} s{late})"
    return hang_of(pulse)


def hang_of(pulse: Pulse) -> str:
    """How long its loop hasn't turned; empty if it turns. A process that waits for the broker, the
    database or the mail server turns: it tries again."""
    if not _is_stale(pulse):
        return ""
    return (
        f"process {pulse.pid} hangs or is stopped: its last beat was {_ago(pulse.beat)}, "
        f"before it went on to {pulse.doing}"
    )


def _is_stale(pulse: Pulse) -> bool:
    return time.monotonic() - pulse.beat > STALE_SECONDS


def _ago(moment: float) -> str:
    return f"{_seconds(moment)} s ago"


def _seconds(moment: float) -> int:
    return round(time.monotonic() - moment)
