"""`100/min` as a value."""

import re
from dataclasses import dataclass
from datetime import timedelta

FORMAT = re.compile(r"(none|[1-9][0-9]{0,5}/(sec|min|hour|day))?\Z", re.ASCII)

_PERIODS = {
    "sec": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


@dataclass(frozen=True)
class Rate:
    number: int
    period: timedelta

    @property
    def cost(self) -> timedelta:
        """The share of `period` that one call uses; rounded down, so that `number` calls fit in."""
        return self.period // self.number


def parse_rate(text: str) -> Rate | None:
    """None, meaning no limit, for `none` and the empty text. The text must match `FORMAT`."""
    if not text or text == "none":
        return None
    number, _, period = text.partition("/")
    return Rate(number=int(number), period=_PERIODS[period])
