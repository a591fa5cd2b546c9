from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.follow import follow, sizes


def steps(*actions: Callable[[], object]) -> Callable[[], bool]:
    """Runs one action at each call. Returns False when there are none left."""
    remaining = list(actions)

    def go_on() -> bool:
        if not remaining:
            return False
        remaining.pop(0)()
        return True

    return go_on


def test_only_new_and_whole_lines_are_shown_each_with_its_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "event.log"
    log.write_text("old\n")
    with log.open("a", buffering=1) as writer:
        follow(
            {"event": log, "absent": tmp_path / "absent.log"},
            sizes({"event": log, "absent": tmp_path / "absent.log"}),
            steps(lambda: writer.write("new\nha"), lambda: writer.write("lf\n")),
        )
    assert capsys.readouterr().out == "event  | new\nevent  | half\n"


def test_a_log_is_followed_over_its_rotation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "event.log"

    def rotate() -> None:
        log.rename(tmp_path / "event.log.1")
        log.write_text("after\n")

    look_again = log.exists
    go_on = steps(lambda: log.write_text("before\n"), rotate, look_again)
    follow({"event": log}, {"event": 0}, go_on)
    assert capsys.readouterr().out == "event | before\nevent | after\n"
