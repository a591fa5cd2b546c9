"""The files of `deploy/cluster` with this machine's values."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from devstack.environment import ROOT

FOLDER = ROOT / "deploy" / "cluster"


def render(name: str, values: Mapping[str, str]) -> str:
    """Raises `KeyError` if a value is missing."""
    return Template((FOLDER / name).read_text()).substitute(values)


def write(name: str, target: Path, values: Mapping[str, str]) -> Path:
    """Writes the file for its owner alone, because it may contain passwords."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_text(render(name, values))
    return target


def assignments(text: str) -> dict[str, str]:
    """The variables of an environment file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
