"""`make bench-guard`: what counts as a regression and what as noise."""

import pytest

from bench.guard import Figure, Figures, verdicts


def figures(*, rate: float = 0.4, cpu: float = 3.0, noise: float = 0.0) -> Figures:
    return Figures(rate=Figure(rate, noise), cpu=Figure(cpu, noise))


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        (figures(), []),
        (figures(rate=0.36), ["rate"]),
        (figures(cpu=3.3), ["CPU"]),
        (figures(rate=0.36, cpu=3.3), ["rate", "CPU"]),
        (figures(rate=0.8, cpu=1.0), []),
        (figures(rate=0.385, cpu=3.1), []),
        (figures(rate=0.36, cpu=3.3, noise=0.12), []),
        (figures(rate=0.3, cpu=4.0, noise=0.12), ["rate", "CPU"]),
    ],
)
def test_a_change_for_the_worse_beyond_the_noise_is_a_regression(
    now: Figures, worse: list[str]
) -> None:
    found = list(verdicts("hot_fill at 64", figures(), now))

    assert [
        what for what in ("rate", "CPU") for line, bad in found if bad and what in line
    ] == worse


def test_the_noise_of_the_committed_runs_counts_too() -> None:
    before = figures(noise=0.2)

    assert not any(bad for _, bad in verdicts("hot_fill at 64", before, figures(rate=0.35)))
