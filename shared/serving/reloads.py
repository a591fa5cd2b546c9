"""How often other processes have taken over from the workers of this gunicorn: new workers after
SIGHUP, those of another gunicorn after SIGUSR2.

A worker that is told to end learns by it whether others take over, or whether the service ends.
"""

import mmap
import struct

_NUMBER = struct.Struct("Q")
# Shared by the master and all workers that it forks.
_memory = mmap.mmap(-1, _NUMBER.size)


def latest() -> int:
    number: int
    (number,) = _NUMBER.unpack_from(_memory)
    return number


def begin() -> None:
    """Before the new workers or the other gunicorn are started."""
    _NUMBER.pack_into(_memory, 0, latest() + 1)
