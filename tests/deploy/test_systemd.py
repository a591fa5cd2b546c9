"""The units in deploy/systemd: valid for systemd, closed, and the same system as compose.yaml."""

import os
import re
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.conf.variables import REQUIRED
from shared.workers.check import STALE_SECONDS
from tests.support.variables import ROOT, read_variables, service_of, variables_of

UNITS = ROOT / "deploy" / "systemd"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
APPS = {name: each for name, each in COMPOSE.items() if "event-reservation" in each["image"]}
NAMES = sorted(path.stem.removeprefix("event-reservation-") for path in UNITS.glob("*.service"))
PYTHON = "/opt/event-reservation/.venv/bin/python"
# What `systemd-analyze security` counts: 0 is closed, 10 is open. It calls up to 2 OK.
MOST_EXPOSED = 1.5

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


class Unit(RawConfigParser):
    """A unit file. A setting that is given twice has its values on a line each."""

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[method-assign, assignment]
        self.read_string((UNITS / name).read_text())


def command_of(name: str) -> list[str]:
    python, *arguments = Unit(f"event-reservation-{name}.service")["Service"]["ExecStart"].split()
    assert python == PYTHON
    return ["python", *arguments]


def compose_name(name: str) -> str:
    """Its workers belong to one service each, and are named without it if only one has them."""
    return name if name in APPS else name.removeprefix("booking-")


def environment(service: str) -> dict[str, str]:
    """What the units of this service get from the files that an operator fills in."""
    lines = [
        line
        for name in ("common", service)
        for line in (UNITS / f"{name}.env").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, for this checkout in place of /opt/event-reservation."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    python = shutil.which("true")  # systemd only asks whether the program is there
    assert python
    for file in [*folder.rglob("*.service"), *folder.rglob("*.conf")]:
        text = file.read_text().replace(PYTHON, python)
        file.write_text(text.replace("/opt/event-reservation", str(ROOT)))
    return folder


def analyze(installed: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{installed}:"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@needs_systemd
def test_systemd_finds_nothing_wrong(installed: Path) -> None:
    units = sorted(
        path for path in installed.iterdir() if re.search("service$|socket$|target$", path.name)
    )
    verified = analyze(installed, "verify", "--man=no", *units)

    ours = [line for line in verified.stdout.splitlines() if "event-reservation" in line]
    assert len(units) == len(NAMES) + 3
    assert ours == []
    assert verified.returncode == 0, verified.stdout


@needs_systemd
@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_closed(installed: Path, name: str) -> None:
    unit = f"event-reservation-{name}.service"
    threshold = f"--threshold={MOST_EXPOSED * 10:.0f}"
    assessed = analyze(installed, "security", "--offline=true", "--no-pager", threshold, unit)

    if "unrecognized option" in assessed.stdout:
        pytest.skip("this systemd can't assess units that aren't loaded")
    assert "Overall exposure level" in assessed.stdout
    assert assessed.returncode == 0, assessed.stdout


def test_the_same_commands_run_as_in_compose() -> None:
    """Here they share the machine's ports, which are for this machine only."""
    ours = {
        compose_name(name): [
            re.sub(r"^127\.0\.0\.1:(?=\d+$)", "0.0.0.0:", word) for word in command_of(name)
        ]
        for name in NAMES
    }

    assert ours == {name: each["command"] for name, each in APPS.items()}


@pytest.mark.parametrize("name", [name for name in NAMES if "--metrics" in command_of(name)])
def test_a_worker_that_hangs_is_restarted_after_it_counts_as_stale(name: str) -> None:
    unit = Unit(f"event-reservation-{name}.service")["Service"]

    assert int(unit["WatchdogSec"]) >= 2 * STALE_SECONDS


def test_each_worker_has_its_own_port() -> None:
    commands = [command_of(name) for name in NAMES]
    addresses = [each[-1] for each in commands if "--metrics" in each]

    assert len(set(addresses)) == len(addresses) == 4


def test_the_target_starts_all_and_stops_all() -> None:
    wanted = re.findall(
        r"event-reservation-(\S+)\.service", (UNITS / "event-reservation.target").read_text()
    )
    common = (UNITS / "event-reservation-.service.d" / "10-common.conf").read_text()

    assert sorted(wanted) == NAMES
    assert "PartOf=event-reservation.target" in common


@pytest.mark.parametrize("service", ["event", "booking"])
def test_databases_are_migrated_before_the_parts_start(service: str) -> None:
    text = (UNITS / f"event-reservation-{service}-migrate.service").read_text()
    later = re.findall(
        r"event-reservation-(\S+)\.service", " ".join(re.findall(r"Before=(.*)", text))
    )

    assert sorted(later) == [
        name for name in NAMES if name.startswith(service) and not name.endswith("-migrate")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_as_bounded_as_its_container(name: str) -> None:
    unit = Unit(f"event-reservation-{name}.service")["Service"]
    common = Unit("event-reservation-.service.d/10-common.conf")["Service"]
    app = APPS[compose_name(name)]

    assert unit["MemoryMax"].lower() == app["mem_limit"]
    assert int(common["TasksMax"]) == app["pids_limit"]
    assert f"{common['TimeoutStopSec']}s" == app["stop_grace_period"]
    if "DRAIN_SECONDS" in app["environment"]:
        drained = environment(service_of(command_of(name)))["DRAIN_SECONDS"]
        assert app["environment"]["DRAIN_SECONDS"] == f"${{DRAIN_SECONDS:-{drained}}}"
    assert ("CPUWeight" in unit) == ("cpu_shares" in app)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_unit_is_overruled_by_what_all_have_in_common(name: str) -> None:
    """Drop-ins win over the unit itself."""
    unit = Unit(f"event-reservation-{name}.service")
    common = Unit("event-reservation-.service.d/10-common.conf")

    for section in common.sections():
        assert not set(unit[section]) & set(common[section])


@pytest.mark.parametrize("service", ["event", "booking"])
def test_the_socket_has_the_port_of_the_service(service: str) -> None:
    socket = Unit(f"event-reservation-{service}-api.socket")["Socket"]
    (published,) = APPS[f"{service}-api"]["ports"]

    assert socket["ListenStream"] == f"127.0.0.1:{published.rpartition(':')[2]}"


@pytest.mark.parametrize("service", ["event", "booking"])
def test_the_examples_set_what_is_read_and_needed(service: str) -> None:
    given = environment(service)
    required = {
        variable
        for variable, each in variables_of(f"{service}_project.settings").items()
        if each.default == REQUIRED
    }

    assert service_of(command_of(f"{service}-api")) == service
    assert set(given) <= read_variables(command_of(f"{service}-api"))
    assert required <= set(given)


@pytest.mark.parametrize("service", ["event", "booking"])
def test_an_api_starts_with_the_examples_once_a_key_is_filled_in(service: str) -> None:
    command = command_of(f"{service}-api")
    given = environment(service)
    assert given[f"{service.upper()}_SECRET_KEY"] == "", "an example must not become a key"
    given[f"{service.upper()}_SECRET_KEY"] = "0" * 64

    run = subprocess.run(
        [sys.executable, *command[1:3], "--check-config", *command[3:]],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("service", ["event", "booking"])
def test_a_second_container_of_an_api_differs_in_its_port_only(service: str) -> None:
    """Not with `docker compose config`, which isn't everywhere. It has confirmed this."""
    text = (ROOT / "deploy" / "docker" / "two.yaml").read_text().replace("!override", "")
    second = yaml.safe_load(text)["services"][f"{service}-api-2"]
    (first,) = APPS[f"{service}-api"]["ports"]
    (other,) = second.pop("ports")

    assert second == {"extends": {"file": "compose.yaml", "service": f"{service}-api"}}
    assert other.rpartition(":")[2] == first.rpartition(":")[2]
    assert other.startswith("127.0.0.1:")
    assert other.split(":")[1] in (ROOT / "deploy/nginx/event-reservation.conf").read_text()
