"""What a soak has shown: tables in Markdown for people, JSON for programs."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.support.soak.memory import Quarters
from tests.support.soak.trial import Soak, Step
from tests.support.soak.visitors import CLIENTS, Request

SLOWEST = 100


def tables(soak: Soak) -> str:
    requests = soak.requests
    load = [
        ["peak, with all clients at once", f"{soak.peak:,.0f} requests/s"],
        [
            f"load for {soak.ended - soak.began:,.0f} s by {CLIENTS} clients",
            f"{len(requests) / (soak.ended - soak.began):,.0f} requests/s",
        ],
        ["requests", f"{len(requests):,}"],
        ["answered within, median / 99 % / longest", _times(requests)],
        ["503 while the service's own database restarted", f"{len(_excused(soak)):,}"],
        ["other failures", f"{len(_failed(soak)):,}"],
        ["bookings / cancellations / events acknowledged", _acknowledged(soak)],
        ["lost, sold twice, dead letters", f"{len(soak.wrong()):,}"],
        ["everything delivered after the end within", f"{soak.settled_after:.1f} s"],
    ]
    return "\n\n".join(
        [
            _table(["", ""], load),
            _table(["", "times", "took", "requests", "503", "failed", "slowest"], _steps(soak)),
            _table(
                ["MB", "without a restart for", "1st quarter", "2nd", "3rd", "4th"],
                [_memory(each) for each in soak.memory.quarters()],
            ),
        ]
    )


def write_json(path: Path, soak: Soak) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    began = soak.began
    unexpected = [each for each in soak.requests if not each.is_expected]
    slowest = sorted(soak.requests, key=lambda each: each.seconds)[-SLOWEST:]
    content = {
        "peak": soak.peak,
        "rate": soak.rate,
        "seconds": soak.ended - began,
        "requests": len(soak.requests),
        "steps": [
            {"name": each.name, "began": each.began - began, "ended": each.ended - began}
            for each in soak.steps
        ],
        "not_as_expected": [_as_json(each, began) for each in unexpected],
        "slowest": [_as_json(each, began) for each in slowest],
        "memory": [{**asdict(each), "at": each.at - began} for each in soak.memory.samples],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _as_json(request: Request, began: float) -> dict[str, object]:
    return {**asdict(request), "sent": request.sent - began, "ended": request.ended - began}


def _steps(soak: Soak) -> Iterator[list[str]]:
    by_name: dict[str, list[Step]] = defaultdict(list)
    for step in soak.steps:
        by_name[step.name].append(step)
    for name, steps in by_name.items():
        during = [
            each
            for each in soak.requests
            if any(step.began <= each.ended and each.sent <= step.ended for step in steps)
        ]
        yield [
            name,
            str(len(steps)),
            f"{statistics.mean(step.ended - step.began for step in steps):.1f} s",
            f"{len(during):,}",
            _refused(soak, steps),
            f"{sum(_has_failed(soak, each) for each in during):,}",
            f"{max((each.seconds for each in during), default=0):.2f} s",
        ]


def _refused(soak: Soak, steps: Sequence[Step]) -> str:
    """With the times, in seconds after the restart began."""
    moments = [
        each.ended - step.began
        for each in soak.requests
        for step in steps
        if soak.excused_by(each) is step
    ]
    if not moments:
        return "0"
    return f"{len(moments):,}, {min(moments):.1f} to {max(moments):.1f} s after its begin"


def _memory(quarters: Quarters) -> list[str]:
    medians = [f"{each:.1f}" for each in quarters.medians]
    return [quarters.name, f"{quarters.seconds:,.0f} s", *medians]


def _excused(soak: Soak) -> list[Request]:
    return [each for each in soak.requests if soak.excused_by(each)]


def _failed(soak: Soak) -> list[Request]:
    return [each for each in soak.requests if _has_failed(soak, each)]


def _has_failed(soak: Soak, request: Request) -> bool:
    return not request.is_expected and soak.excused_by(request) is None


def _acknowledged(soak: Soak) -> str:
    told = soak.visitors.told
    counts = [len(told.booked), len(told.cancelled), len(soak.visitors.events)]
    return " / ".join(f"{count:,}" for count in counts)


def _times(requests: Sequence[Request]) -> str:
    seconds = sorted(each.seconds for each in requests)
    shown = [seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100], seconds[-1]]
    return " / ".join(f"{each * 1000:,.0f}" for each in shown) + " ms"


def _table(headings: list[str], rows: Iterator[list[str]] | list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
