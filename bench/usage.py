"""CPU time and memory of whole process trees."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Memory:
    """In megabytes (10^6 bytes). `shared_fairly` (PSS) splits pages among the processes that share
    them. `peak` is the largest resident size (RSS) since the process started."""

    shared_fairly: float
    peak: float


def cpu_seconds(root: psutil.Process | None) -> float:
    """User and system time of a process tree, including processes that have ended."""
    if root is None:
        return 0.0
    seconds = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            seconds += sum(process.cpu_times()[:4])  # its own, then that of children it waited for
        except psutil.NoSuchProcess:
            continue
    return seconds


def memory(process: psutil.Process) -> Memory:
    with open(f"/proc/{process.pid}/status") as status:
        peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return Memory(
        shared_fairly=process.memory_full_info().pss / 1e6,
        peak=peak_kib * 1024 / 1e6,
    )
