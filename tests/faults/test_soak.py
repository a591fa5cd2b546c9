"""A night of sales: everything that production runs, each part twice and behind nginx, under load,
while one thing after the other is restarted. `make soak` does it for 20 minutes."""

import os
from pathlib import Path

from tests.support.soak.report import tables, write_json
from tests.support.soak.system import fleet
from tests.support.soak.trial import Soak

# Too short for memory to say anything.
SHORT_SECONDS = 45
LONG_SECONDS = 600
# A part may grow by so much from the second quarter to the last.
MOST_GROWTH, MOST_GROWTH_MB = 0.05, 5


def test_restarting_each_part_costs_no_request_and_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    seconds = float(os.environ.get("SOAK_SECONDS", SHORT_SECONDS))
    with fleet(tmp_path) as system:
        soak = Soak(system, seconds)
        soak.run()
        print(f"\n{tables(soak)}\n")
        if path := os.environ.get("SOAK_RESULTS"):
            write_json(Path(path), soak)
        assert soak.faults() == []
        soak.verify()

    assert {step.name for step in soak.steps} >= {
        f"rolling restart of the {kind}" for kind in system.kinds
    }
    if seconds >= LONG_SECONDS:
        for each in soak.memory.quarters():
            assert each.growth <= max(MOST_GROWTH * each.medians[1], MOST_GROWTH_MB), each
