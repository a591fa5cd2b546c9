"""The workflows, hooks and bots, which only run elsewhere, against what this repository has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.pythons import OLDEST

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = {
    target
    for rule in re.findall(r"^([a-z][a-z -]*):(?!=)", (ROOT / "Makefile").read_text(), re.M)
    for target in rule.split()
}


def steps_of(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        yield from job.get("steps", ())


def commands() -> Iterator[str]:
    for workflow in WORKFLOWS:
        yield from (step["run"] for step in steps_of(workflow) if "run" in step)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    yield from (hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"])


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_each_command_exists(command: str) -> None:
    program, *arguments = command.split(">")[0].split()

    if program == "make":
        targets = {each for each in arguments if "=" not in each}
        assert targets
        assert targets <= TARGETS
    else:
        assert program == "gh" or (ROOT / program).stat().st_mode & 0o100


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_their_version_is_named(workflow: Path) -> None:
    uses = re.findall(r"uses: (.*)", workflow.read_text())

    assert uses
    for each in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[0-9.]+|\./\.github/workflows/.*", each)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}


def test_ci_tests_each_python_from_the_oldest_on_both_architectures() -> None:
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    matrix = ci["jobs"]["test"]["strategy"]["matrix"]
    minors = [int(python.removeprefix("3.")) for python in matrix["python"]]

    assert minors == list(range(OLDEST[1], 15))
    assert {runner.endswith("-arm") for runner in matrix["runner"]} == {True, False}


def test_renovate_finds_the_lock_files_and_the_tools_of_the_makefile() -> None:
    renovate = json.loads((ROOT / "renovate.json").read_text())
    (locks,) = renovate["pip_requirements"]["managerFilePatterns"]
    (tools,) = renovate["customManagers"][0]["matchStrings"]

    found = {path.name for path in ROOT.iterdir() if re.search(locks.strip("/"), path.name)}
    assert found == {"requirements.lock", "requirements-dev.lock"}
    pinned = re.findall(tools.replace("(?<", "(?P<"), (ROOT / "Makefile").read_text())
    assert {name for name, _ in pinned} >= {"pip-audit", "pip-licenses", "cyclonedx-bom"}
