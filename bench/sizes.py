"""How much work a run does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Durations are in whole seconds, because wrk and pgbench take no others."""

    scenario_seconds: int
    yardstick_seconds: int
    pgbench_seconds: int  # up to one of them is spent connecting its clients
    warm_up_seconds: int
    fill: int  # bookings made by hot_fill
    fill_window: int  # bookings timed at its start and at its end
    cancels: int  # cancellations made by cancel_promote, fewer than are waiting


FULL = Sizes(
    scenario_seconds=6,
    yardstick_seconds=3,
    pgbench_seconds=4,
    warm_up_seconds=2,
    fill=55_000,
    fill_window=5_000,
    cancels=4_000,
)
QUICK = Sizes(
    scenario_seconds=1,
    yardstick_seconds=1,
    pgbench_seconds=2,
    warm_up_seconds=1,
    fill=2_500,
    fill_window=500,
    cancels=1_000,
)
