"""A worker's heartbeat: a small file that its loop rewrites, and that a probe reads.

No package is imported here: a container's probe runs every few seconds, and loading Django would
cost more than the worker that it checks.

Times are seconds of the machine's monotonic clock, which all processes share and nothing resets.
"""

import json
import logging
import os
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from shared.workers.watchdog import feed

logger = logging.getLogger(__name__)

_WRITE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What a heartbeat file holds.

    `beat` is when the loop last reported. `waiting` says what keeps it from its work, and why; it
    is empty while the loop works. `since` is when it began to wait or to work. `doing` is the step
    it was about to take. `started` tells a process from a later one with the same `pid`.
    """

    pid: int
    started: str
    beat: float
    doing: str
    waiting: str
    since: float


class Heartbeat:
    """Called only by the worker's loop: a separate thread would keep beating while the loop hangs.
    Writes at most once a second, but at once when the loop begins to wait, waits for something
    else, or works again."""

    def __init__(self, *, folder: Path, worker: str) -> None:
        """Raises `OSError` if `folder` can't be created, or is not private to this user."""
        _make_private(folder)
        self.worker = worker
        self._path = folder / f"{worker}.{os.getpid()}.json"
        self._written_at = 0.0
        self._failure = ""
        now = time.monotonic()
        self.pulse = Pulse(
            pid=os.getpid(),
            started=_start_of(os.getpid()) or "",
            beat=now,
            doing="start",
            waiting="",
            since=now,
        )
        for path, pulse in read_all(folder, worker):
            if pulse is None or not is_alive(pulse):
                path.unlink(missing_ok=True)
        self._write()

    def working(self, doing: str) -> None:
        """The loop runs and nothing keeps it from its work. `doing` is its next step."""
        self._beat(doing=doing, waiting="")

    def waiting(self, reason: str) -> None:
        """The loop can't do its work, for this reason; it will try again."""
        self._beat(doing="wait", waiting=reason)

    def again(self) -> None:
        """The loop is still doing what it last reported."""
        self._beat(doing=self.pulse.doing, waiting=self.pulse.waiting)

    def close(self) -> None:
        """The worker ends in an orderly way."""
        self._path.unlink(missing_ok=True)

    def _beat(self, *, doing: str, waiting: str) -> None:
        now = time.monotonic()
        turned = bool(waiting) != bool(self.pulse.waiting)
        urgent = waiting != self.pulse.waiting
        since = now if turned else self.pulse.since
        self.pulse = replace(self.pulse, beat=now, doing=doing, waiting=waiting, since=since)
        if urgent or now - self._written_at >= _WRITE_SECONDS:
            self._write_or_complain()

    def _write_or_complain(self) -> None:
        """A full disk must not stop the worker. The probe finds an old beat, the log says why."""
        try:
            self._write()
            failure = ""
        except OSError as error:
            failure = str(error)
        if failure and failure != self._failure:
            logger.warning("the heartbeat can't be written: %s", failure)
        self._failure = failure

    def _write(self) -> None:
        """By renaming, so that a probe reads either the whole new file or the old one."""
        self._written_at = time.monotonic()
        feed()
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self.pulse)))
        new.replace(self._path)


def full_name(service: str, command: str) -> str:
    """A worker's name. Both services have a relay, and may share a machine."""
    return f"{service}.{command}"


def default_folder() -> Path:
    """One for each user, in the folder for temporary files."""
    return Path(tempfile.gettempdir()) / f"event-reservation-{os.geteuid()}"


def read_all(folder: Path, worker: str) -> list[tuple[Path, Pulse | None]]:
    """The heartbeat files of that worker's processes; None for one that can't be read."""
    return [(path, _read(path)) for path in sorted(folder.glob(f"{worker}.*.json"))]


def is_alive(pulse: Pulse) -> bool:
    """Whether the process that wrote it still exists, stopped or not."""
    return bool(pulse.started) and _start_of(pulse.pid) == pulse.started


def _read(path: Path) -> Pulse | None:
    try:
        return Pulse(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _start_of(pid: int) -> str | None:
    """The clock tick at which the process started, from Linux; None if it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in ("Z", "X") else rest[18]


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} must belong to this user, and others must not write to it")
