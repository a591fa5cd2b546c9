"""What becomes of a race without the lock."""

import pytest

from booking_project.bookings.storage import locks
from tests.support import concurrency


def leave_out_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read as before, but not held. The service compiles its queries once; here it does so
    each time, without the lock."""
    concurrency.leave_out_the_lock(monkeypatch)
    for name in ("_lock_one", "_lock_free"):
        monkeypatch.setattr(locks, name, getattr(locks, name).__wrapped__)
