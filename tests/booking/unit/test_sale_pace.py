"""Many viewers ask less often."""

import pytest

from booking_project.sales import pace as pacing
from booking_project.sales.pace import BUDGET, LONGEST_SECONDS, Pace


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pacing.time, "monotonic", clock)
    return clock


def watch(pace: Pace, clock: Clock, *, viewers: int, seconds: int) -> int:
    """Each viewer asks as often as told. Returns the requests of the last ten seconds."""
    next_at = [clock.now + number / viewers for number in range(viewers)]
    end = clock.now + seconds
    late = 0
    while clock.now < end:
        clock.now += 0.1
        for number, moment in enumerate(next_at):
            if moment <= clock.now:
                pace.count()
                next_at[number] = clock.now + pace.seconds
                late += clock.now > end - 10
    return late


@pytest.mark.parametrize("viewers", [1, 10, 20])
def test_a_few_viewers_ask_every_second(clock: Clock, viewers: int) -> None:
    pace = Pace()

    watch(pace, clock, viewers=viewers, seconds=30)

    assert pace.seconds == 1


@pytest.mark.parametrize("viewers", [250, 500])
def test_many_viewers_stay_within_the_budget(clock: Clock, viewers: int) -> None:
    pace = Pace()

    requests = watch(pace, clock, viewers=viewers, seconds=120)

    assert requests / 10 <= 1.2 * BUDGET
    assert pace.seconds <= viewers / BUDGET + 1


def test_nobody_waits_longer_than_the_longest(clock: Clock) -> None:
    pace = Pace()
    for _ in range(100_000):
        pace.count()
    clock.now += 2
    pace.count()

    assert pace.seconds == LONGEST_SECONDS


def test_when_they_leave_the_rest_ask_often_again(clock: Clock) -> None:
    pace = Pace()
    watch(pace, clock, viewers=500, seconds=60)

    watch(pace, clock, viewers=5, seconds=120)

    assert pace.seconds == 1
