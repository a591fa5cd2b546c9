"""Tests of all suites say for how long they wait by `tests/support/waiting.py`, not by a number."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
WAITS = {"sleep", "wait", "join", "result"}
LIMITS = {"timeout", "connect_timeout"}
# A pause between two looks is no wait; 30 s and more are generous, with a name or without.
UNNAMED_SECONDS = (0.05, 30)


def waits(source: str) -> Iterator[tuple[int, float]]:
    """Line and seconds of each wait that is shorter than generous and has no name."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        limits = [
            *(keyword.value for keyword in node.keywords if keyword.arg in LIMITS),
            *(keyword.value for keyword in node.keywords if name == "until"),
            *(node.args if name in WAITS else []),
        ]
        for limit in limits:
            if not (isinstance(limit, ast.Constant) and isinstance(limit.value, int | float)):
                continue
            if UNNAMED_SECONDS[0] < limit.value < UNNAMED_SECONDS[1]:
                yield node.lineno, limit.value


@pytest.mark.parametrize(
    "call",
    ["time.sleep(0.4)", "thread.join(5)", "until(ready, 'it', seconds=3)", "connect(timeout=10)"],
)
def test_a_short_wait_without_a_name_is_found(call: str) -> None:
    assert list(waits(call))


@pytest.mark.parametrize(
    "call",
    [
        "thread.join(PATIENCE_SECONDS)",
        "held.wait(BRIEF_SECONDS)",
        "get(url, timeout=60)",
        "sleep(0.02)",
    ],
)
def test_a_named_and_a_generous_wait_are_not(call: str) -> None:
    assert list(waits(call)) == []


def test_what_must_happen_is_waited_for_generously_and_what_must_not_by_name() -> None:
    found = [
        f"{file.relative_to(TESTS)}:{line} waits {seconds} s"
        for file in sorted(TESTS.rglob("*.py"))
        for line, seconds in waits(file.read_text())
    ]

    assert found == []
