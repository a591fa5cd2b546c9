"""Whether the machine has processor time left, by what the kernel says."""

from pathlib import Path

import pytest

from shared.serving import processor
from shared.serving.processor import Processor


@pytest.fixture
def stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 1 2 3\n")
    monkeypatch.setattr(processor, "_STAT", stat)
    return stat


@pytest.mark.parametrize(("busy", "idle", "is_busy"), [(90, 10, True), (50, 50, False)])
def test_counts_since_the_last_time(stat: Path, busy: int, idle: int, is_busy: bool) -> None:
    machine = Processor()
    stat.write_text(f"cpu  {100 + busy} 0 100 {1000 + idle} 0 0 0 0 0 0\n")

    assert machine.is_busy() is is_busy


def test_is_busy_where_the_kernel_does_not_say(stat: Path) -> None:
    stat.unlink()

    assert Processor().is_busy()
