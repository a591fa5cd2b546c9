"""Clients generated from the committed schemas: they pass the type checkers and can book."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.end_to_end.api_tools import BIN, CLIENTS, TOKEN, node_package, run, run_well
from tests.support.end_to_end.system import System

PYTHON_SALE = CLIENTS / "python" / "sale.py"
TYPESCRIPT_SALE = CLIENTS / "typescript" / "sale.ts"


@pytest.fixture(scope="module")
def python_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of both generated Python packages."""
    folder = tmp_path_factory.mktemp("python")
    run_well(CLIENTS / "generate.sh", "python", folder)
    return os.pathsep.join(str(folder / f"{each}-service-client") for each in ("event", "booking"))


@pytest.fixture(scope="module")
def typescript_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that compiles the sale, with newly generated types."""
    node_package("typescript")
    folder = tmp_path_factory.mktemp("typescript")
    run_well(CLIENTS / "generate.sh", "typescript", folder)
    project = folder / "tsconfig.json"
    options = {
        "extends": str(CLIENTS / "typescript" / "tsconfig.json"),
        "compilerOptions": {"paths": {"@clients/*": [f"{folder}/*.d.ts"]}},
        "files": [str(TYPESCRIPT_SALE)],
    }
    project.write_text(json.dumps(options))
    return project


def test_the_types_of_the_python_clients_hold(python_path: str, tmp_path: Path) -> None:
    run_well(
        *(BIN / "mypy", "--config-file=", "--strict", "--cache-dir", tmp_path, PYTHON_SALE),
        environ={"MYPYPATH": python_path},
    )


def test_a_sale_through_the_python_clients(python_path: str, system: System) -> None:
    run_well(
        *(sys.executable, "-W", "error", PYTHON_SALE, system.event_url, system.booking_url, TOKEN),
        environ={"PYTHONPATH": python_path},
    )


def test_the_typescript_clients_compile(typescript_project: Path) -> None:
    run_well(BIN / "node", node_package("typescript/bin/tsc"), "--project", typescript_project)


def test_what_the_schema_does_not_know_does_not_compile(typescript_project: Path) -> None:
    types = typescript_project.parent / "event-service.d.ts"
    good = types.read_text()
    types.write_text(good.replace("max_seats", "seats"))
    try:
        compiler = node_package("typescript/bin/tsc")
        answer = run(BIN / "node", compiler, "--project", typescript_project)
    finally:
        types.write_text(good)

    assert answer.returncode != 0
    assert "max_seats" in answer.stdout


def test_a_sale_through_the_typescript_clients(system: System) -> None:
    node_package("openapi-fetch")
    run_well(BIN / "node", TYPESCRIPT_SALE, system.event_url, system.booking_url, TOKEN)
