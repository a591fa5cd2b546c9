import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack import environment, folder, keys
from devstack.errors import DevstackError
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS


def test_secrets_are_made_once_and_readable_only_by_their_owner(tmp_path: Path) -> None:
    first = keys.load(tmp_path)
    assert keys.load(tmp_path) == first
    assert set(first) == set(keys.NAMES)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_refused_with_the_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DevstackError, match="set DEVSTACK_DATA to a folder of yours"):
        folder.make(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 1, 1)
    with pytest.raises(DevstackError, match="belongs to daemon"):
        folder.make(tmp_path)


def test_a_second_command_waits_until_the_first_gives_the_folder_back(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from devstack import folder\n"
        "with folder.claimed(Path(sys.argv[1])): print('mine', flush=True)"
    )
    with folder.claimed(tmp_path):
        second = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=environment.ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert second.stdout
        assert "waiting for it" in second.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=BRIEF_SECONDS)
    output, _ = second.communicate(timeout=PATIENCE_SECONDS)
    assert output == "mine\n"


def test_dotenv_gives_defaults_and_empty_values_count_as_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("EVENT_PORT=9001\nBOOKING_PORT=9002\nRABBITMQ_URL=\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    known = environment.with_dotenv({"BOOKING_PORT": "9003", "EVENT_PORT": ""})
    assert known == {"EVENT_PORT": "9001", "BOOKING_PORT": "9003"}


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_dotenv_that_others_may_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, exposed: bool
) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    assert not environment.dotenv_is_exposed()
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(mode)

    assert environment.dotenv_is_exposed() is exposed


def test_logs_of_an_earlier_version_are_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir(mode=0o755)

    folder.make(tmp_path)

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
