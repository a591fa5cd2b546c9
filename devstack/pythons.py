"""`python -m devstack.pythons TARGET…`: make these targets with every other Python from 3.11.

Each gets a virtual environment in build/pythons with the locked packages, made once.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from devstack.environment import ROOT

OLDEST = (3, 11)
LOCK = ROOT / "requirements-dev.lock"
VENVS = ROOT / "build" / "pythons"

_NAME = re.compile(r"python3\.\d+")
# Version and release level: for an alpha or beta there are no packages yet.
_PROBE = "import sys; v = sys.version_info; print(v.major, v.minor, v.releaselevel, sys.executable)"


def main(targets: Sequence[str]) -> int:
    others = {
        version: python
        for version, python in find(os.environ).items()
        if version != sys.version_info[:2]
    }
    if not others:
        mine = ".".join(map(str, sys.version_info[:2]))
        print(f"pythons: there is no Python from 3.11 here besides {mine}")
    failed = []
    for version, python in sorted(others.items()):
        name = ".".join(map(str, version))
        print(f"pythons: {name}, {python}", flush=True)
        venv = _installed(name, python)
        made = subprocess.run(["make", *targets, f"BIN={venv}/bin"], cwd=ROOT, check=False)
        if made.returncode != 0:
            failed.append(name)
    if failed:
        print(f"pythons: failed with Python {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def find(environ: Mapping[str, str]) -> dict[tuple[int, int], Path]:
    """The released Pythons from 3.11 on the path, and those of pyenv, by version.

    A pyenv shim may be on the path without a Python behind it, so each is asked for its version.
    """
    found: dict[tuple[int, int], Path] = {}
    for candidate in _candidates(environ):
        probe = subprocess.run(
            [candidate, "-I", "-c", _PROBE], capture_output=True, text=True, check=False
        )
        if probe.returncode != 0:
            continue
        major, minor, level, executable = probe.stdout.strip().split(" ", 3)
        version = (int(major), int(minor))
        if version >= OLDEST and level == "final":
            found.setdefault(version, Path(executable))
    return found


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    pyenv = Path(environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [Path(each) for each in environ.get("PATH", "").split(os.pathsep) if each]
    for folder in [*folders, *sorted(pyenv.glob("versions/*/bin"))]:
        if folder.is_dir():
            yield from sorted(each for each in folder.iterdir() if _NAME.fullmatch(each.name))


def _installed(name: str, python: Path) -> Path:
    """A virtual environment of `python` with exactly what the lock file names."""
    venv = VENVS / name
    done = venv / ".installed"
    wanted = f"{python}\n{LOCK.read_text()}"
    if done.exists() and done.read_text() == wanted and (venv / "bin" / "python").exists():
        return venv
    shutil.rmtree(venv, ignore_errors=True)
    uv = [sys.executable, "-m", "uv", "--quiet", "--no-python-downloads"]
    subprocess.run([*uv, "venv", "--python", str(python), str(venv)], check=True)
    subprocess.run(
        [
            *(*uv, "pip", "install", "--python", str(venv / "bin" / "python")),
            *("--require-hashes", "--requirements", str(LOCK)),
        ],
        check=True,
    )
    done.write_text(wanted)
    return venv


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
