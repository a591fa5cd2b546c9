"""How much memory each part holds, over time."""

import contextlib
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import psutil

MEGABYTE = 1_000_000
QUARTERS = 4


@dataclass(frozen=True)
class Sample:
    """Of a process with all that it has forked: what only they hold (USS), in MB."""

    name: str
    pid: int
    at: float
    megabytes: float


@dataclass(frozen=True)
class Quarters:
    """Medians of the longest time without a restart."""

    name: str
    seconds: float
    medians: list[float]

    @property
    def growth(self) -> float:
        """From the second quarter on: the first still fills caches and pools."""
        return self.medians[-1] - self.medians[1]


class MemoryWatch:
    def __init__(self, pids: Callable[[], Mapping[str, int]], *, seconds: float) -> None:
        """`pids` has the main process of each part now. It is looked at every so many seconds."""
        self.samples: list[Sample] = []
        self._pids = pids
        self._seconds = seconds
        self._ended = threading.Event()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch, name="memory")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def quarters(self) -> list[Quarters]:
        lives: dict[tuple[str, int], list[Sample]] = defaultdict(list)
        for sample in self.samples:
            lives[sample.name, sample.pid].append(sample)
        longest: dict[str, list[Sample]] = {}
        for (name, _), life in lives.items():
            if len(life) >= QUARTERS and len(life) > len(longest.get(name, [])):
                longest[name] = life
        return [_quarters(name, life) for name, life in longest.items()]

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            for name, pid in self._pids().items():
                with contextlib.suppress(psutil.NoSuchProcess):
                    held = _held(psutil.Process(pid))
                    self.samples.append(Sample(name, pid, time.monotonic(), held))


def _held(root: psutil.Process) -> float:
    family = [root, *root.children(recursive=True)]
    return float(sum(each.memory_full_info().uss for each in family)) / MEGABYTE


def _quarters(name: str, life: list[Sample]) -> Quarters:
    bounds = [len(life) * quarter // QUARTERS for quarter in range(QUARTERS + 1)]
    medians = [
        statistics.median(each.megabytes for each in life[bounds[number] : bounds[number + 1]])
        for number in range(QUARTERS)
    ]
    return Quarters(name, life[-1].at - life[0].at, medians)
