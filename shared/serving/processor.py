"""Whether this machine has processor time left."""

from pathlib import Path

_STAT = Path("/proc/stat")
_IDLE_SHARE = 0.2


class Processor:
    def __init__(self) -> None:
        self._idle, self._all = _ticks()

    def is_busy(self) -> bool:
        """Since the last call. Always, where the kernel doesn't say."""
        before_idle, before_all = self._idle, self._all
        self._idle, self._all = _ticks()
        return self._idle - before_idle <= _IDLE_SHARE * (self._all - before_all)


def _ticks() -> tuple[int, int]:
    """Of all cores: idle, and altogether."""
    try:
        first = _STAT.read_text().partition("\n")[0]
    except OSError:
        return 0, 0
    _, *ticks = first.split()
    return int(ticks[3]), sum(map(int, ticks[:8]))
