"""The figures of all scenarios: a table for people, JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from tests.support.faults.trial import Figures

_HEADINGS = [field.name.replace("_", " ") for field in fields(Figures)]


def table(figures: Sequence[Figures]) -> str:
    rows = [
        _HEADINGS,
        *(
            [
                f"{value:,}" if isinstance(value, int) else str(value)
                for value in asdict(each).values()
            ]
            for each in figures
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def write_json(path: Path, figures: Sequence[Figures]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n")
