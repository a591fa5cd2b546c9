"""`deploy/docker/new_env.sh`: secrets for containers. `docker` only lists volumes for it."""

import os
import subprocess
from pathlib import Path

import pytest

from devstack.environment import ROOT


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """The file that lists the existing volumes, one a line."""
    listed = tmp_path / "volumes"
    listed.touch()
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\n[ "$1 $2" = "volume ls" ] && cat {listed}\n')
    docker.chmod(0o755)
    return listed


def new_env(volumes: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    path = f"{volumes.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / "deploy" / "docker" / "new_env.sh", env_of(volumes)],
        env={**os.environ, "PATH": path, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def env_of(volumes: Path) -> Path:
    return volumes.parent / "env"


def test_secrets_are_made_and_readable_only_by_their_owner(volumes: Path) -> None:
    assert new_env(volumes).returncode == 0

    values = dict(
        line.split("=", 1)
        for line in env_of(volumes).read_text().splitlines()
        if line and not line.startswith("#")
    )
    secrets = {name: value for name, value in values.items() if name.endswith(("KEY", "PASSWORD"))}
    assert len(secrets) == 5
    assert all(len(value) == 64 for value in secrets.values())
    assert len(set(secrets.values())) == 5
    assert env_of(volumes).stat().st_mode & 0o777 == 0o600


def test_a_second_call_changes_nothing_and_says_if_others_may_read_it(volumes: Path) -> None:
    new_env(volumes)
    before = env_of(volumes).read_text()
    assert new_env(volumes).stderr == ""

    env_of(volumes).chmod(0o644)
    again = new_env(volumes)

    assert again.returncode == 0
    assert "chmod 600" in again.stderr
    assert env_of(volumes).read_text() == before


def test_no_new_passwords_are_made_up_for_kept_volumes(volumes: Path) -> None:
    volumes.write_text("event-reservation_event-db\nevent-reservation_booking-db\n")

    refused = new_env(volumes)

    assert refused.returncode == 1
    assert "event-reservation_event-db event-reservation_booking-db" in refused.stderr
    assert "deploy/docker/replace_env.sh" in refused.stderr
    assert not env_of(volumes).exists()
    assert new_env(volumes, KEEP_VOLUMES="1").returncode == 0
