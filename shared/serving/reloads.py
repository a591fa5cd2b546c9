"""How often SIGHUP has replaced the worker processes of this gunicorn.

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
    """In the master, before it starts the new workers."""
    _NUMBER.pack_into(_memory, 0, latest() + 1)
