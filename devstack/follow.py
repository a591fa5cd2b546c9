"""Follows the logs of several programs and prints each new line with its program's name."""

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO


class _Tail:
    """Reads the new lines of a file that may not exist yet and may be rotated away."""

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._file: BinaryIO | None = None
        self._rest = b""

    def close(self) -> None:
        if self._file:
            self._file.close()

    def lines(self) -> list[bytes]:
        if self._file is None:
            if not self._path.exists():
                return []
            self._file = self._path.open("rb")
            self._file.seek(self._offset)
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        if not lines and self._was_rotated(self._file):
            self._file.close()
            self._file, self._offset = None, 0
        return lines

    def _was_rotated(self, file: BinaryIO) -> bool:
        return self._path.exists() and not os.path.samestat(
            self._path.stat(), os.fstat(file.fileno())
        )


def sizes(logs: Mapping[str, Path]) -> dict[str, int]:
    return {name: log.stat().st_size if log.exists() else 0 for name, log in logs.items()}


def follow(
    logs: Mapping[str, Path], offsets: Mapping[str, int], while_true: Callable[[], bool]
) -> None:
    """Prints what comes after `offsets`, until `while_true` returns False."""
    width = max(map(len, logs))
    with contextlib.ExitStack() as stack:
        tails = {
            name: stack.enter_context(contextlib.closing(_Tail(path, offsets[name])))
            for name, path in logs.items()
        }
        while while_true():
            for name, tail in tails.items():
                for line in tail.lines():
                    print(f"{name:<{width}} | {line.decode(errors='replace')}", flush=True)
            time.sleep(0.2)
