"""The table of waits in docs/reliability.md matches the code and names existing tests."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]

# What each kind of process can wait for. A new wait needs a new row.
WAITS = {
    "API": {"client", "database", "pool", "row", "batch", "broker", "keys", "password", "master"},
    "worker": {"database", "broker"},
    "consumer": {"row"},
    "relay": {"confirms", "notification"},
    "notifier": {"mail server", "conversation"},
    "pool": {"database"},
    "database": {"client"},
    "broker": {"consumer"},
    "probe": {"heartbeat"},
    "devstack": {"program"},
}


class Row(NamedTuple):
    process: str
    waits_for: str
    at_most: str
    set_by: str
    then: str
    shown_by: str


def rows() -> list[Row]:
    text = (ROOT / "docs" / "reliability.md").read_text()
    section = text.split("## What each process waits for")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]
    return [Row(*each) for each in cells[1:]]


def ids(row: Row) -> str:
    return f"{row.process}: {row.waits_for}"


def seconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+) s", text)
    assert found, f"{text!r} is not a number of seconds"
    return float(found[1])


def value_of(source: str) -> float:
    """In seconds: of a variable, as docs/configuration.md has it, or of a constant of a module."""
    path, _, name = source.rpartition(" ")
    if path:
        value = _constant(ROOT / path, name)
    else:
        reference = (ROOT / "docs" / "configuration.md").read_text()
        found = re.search(rf"^\| `{name}` \| `([\d.]+)` \|", reference, re.MULTILINE)
        assert found, f"{name} has no default in docs/configuration.md"
        value = float(found[1])
    return value / 1000 if name.endswith("_MS") else value


def _constant(file: Path, name: str) -> float:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [
            name
        ]:
            return float(ast.literal_eval(node.value))
    raise AssertionError(f"{file.name} has no {name}")


def names_of_tests(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("row", rows(), ids=ids)
def test_a_bound_is_the_value_in_the_code(row: Row) -> None:
    sources = re.findall(r"`([^`]+)`", row.set_by)

    assert sources
    assert {value_of(source) for source in sources} == {seconds(row.at_most)}


@pytest.mark.parametrize("row", rows(), ids=ids)
def test_the_test_that_shows_a_bound_exists(row: Row) -> None:
    file, _, name = row.shown_by.strip("`").partition("::")

    assert name in names_of_tests(ROOT / file)


@pytest.mark.parametrize("row", rows(), ids=ids)
def test_something_definite_happens_then(row: Row) -> None:
    assert len(row.then) > 5


def test_every_process_says_all_that_it_waits_for() -> None:
    missing = {
        f"{process}: {what}"
        for process, all_of_it in WAITS.items()
        for what in all_of_it
        if not any(row.process == process and what in row.waits_for for row in rows())
    }

    assert not missing
    assert {row.process for row in rows()} == set(WAITS)
