from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.devstack.runs import Devstack, fresh_environ, runner


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    with fresh_environ(tmp_path) as environ:
        yield environ


@pytest.fixture(scope="module")
def environ_of_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with fresh_environ(tmp_path_factory.mktemp("running")) as environ:
        yield environ


@pytest.fixture(scope="module")
def running(environ_of_running: dict[str, str]) -> Devstack:
    """Everything has been started. Runs `python -m devstack` beside it."""
    devstack = runner(environ_of_running)
    started = devstack("start")
    assert started.returncode == 0, started.stderr
    return devstack


@pytest.fixture
def devstack(environ: dict[str, str]) -> Devstack:
    """Runs `python -m devstack` to its end."""
    return runner(environ)
