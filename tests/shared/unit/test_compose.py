"""compose.yaml against the code that runs in its containers."""

import re
from typing import Any

import pytest
import yaml

from devstack.reference import SETTINGS, read_by
from tests.support.variables import ROOT, read_variables, variables_of

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
APPS = [name for name, each in CONTAINERS.items() if "event-reservation" in each["image"]]


def variables_in(text: str) -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))


def wanted_by(container: str) -> set[str]:
    return read_variables(CONTAINERS[container]["command"])


@pytest.mark.parametrize("container", APPS)
def test_each_variable_that_is_read_is_passed_to_the_container(container: str) -> None:
    missing = wanted_by(container) - set(CONTAINERS[container]["environment"])

    assert not missing, f"{container} does not get {sorted(missing)}"


@pytest.mark.parametrize("container", APPS)
def test_no_container_gets_a_variable_that_it_does_not_read(container: str) -> None:
    unknown = set(CONTAINERS[container]["environment"]) - wanted_by(container)

    assert not unknown, f"{container} gets {sorted(unknown)}, which its service does not read"


@pytest.mark.parametrize("module", SETTINGS.values())
def test_no_mode_reads_a_variable_that_the_reference_lacks(module: str) -> None:
    assert set(read_by(module, AUTH_MODE="open", DEBUG="true")) <= set(variables_of(module))


def test_each_variable_of_the_compose_file_is_in_the_reference() -> None:
    used = variables_in((ROOT / "compose.yaml").read_text())
    reference = (ROOT / "docs" / "configuration.md").read_text()

    assert {"EVENT_DB_PASSWORD", "IMAGE_TAG"} <= used
    assert used <= set(re.findall(r"^\| `([A-Z_]+)`", reference, re.MULTILINE))


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_container_can_use_up_the_machine(container: str) -> None:
    settings = CONTAINERS[container]

    assert settings["mem_limit"]
    assert settings["pids_limit"]
    assert all("size=" in each for each in settings.get("tmpfs", ()))


def test_only_the_apis_have_ports_on_this_machine() -> None:
    published = {name for name, each in CONTAINERS.items() if "ports" in each}

    assert published == {"event-api", "booking-api"}


def test_databases_are_healthy_only_if_a_login_succeeds() -> None:
    for name in ("event-db", "booking-db"):
        probe = CONTAINERS[name]["healthcheck"]["test"][-1]
        assert "psql" in probe
        assert "PGPASSWORD" in probe
        assert "--dbname" in probe


@pytest.mark.parametrize(
    "container", [name for name in CONTAINERS if "configs" in CONTAINERS[name]]
)
def test_a_container_is_replaced_when_a_variable_in_its_configs_changes(container: str) -> None:
    """Compose compares a container's environment with the file, but not the contents of configs."""
    sources = {config["source"] for config in CONTAINERS[container]["configs"]}
    used = variables_in(str([COMPOSE["configs"][source]["content"] for source in sources]))

    assert "RABBITMQ_PASSWORD" in used
    assert used <= variables_in(str(CONTAINERS[container]["environment"]))
