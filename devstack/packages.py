"""Debian packages that are installed when they are first needed."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devstack.environment import is_root
from devstack.errors import DevstackError

_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y")


def become_root(*, by_hand: str) -> list[str]:
    """What a command begins with to run as root. If this user may not, says what to type."""
    if is_root():
        return []
    if shutil.which("sudo") is None or _failure(["sudo", "-n", "true"]) is not None:
        raise DevstackError(f"{by_hand}, then start again")
    return ["sudo", "-n"]


def install(*packages: str) -> None:
    """Installs these with apt-get."""
    by_hand = f"type `sudo apt-get install {' '.join(packages)}`"
    if shutil.which("apt-get") is None:
        raise DevstackError(f"install {' and '.join(packages)} with your package manager")
    root = become_root(by_hand=by_hand)
    print(f"devstack: installing {' and '.join(packages)} with apt-get", flush=True)
    _failure([*root, *_APT, "update"])  # without it, the lists that are there may do
    options = ["-o", "DPkg::Lock::Timeout=120", "install", "--no-install-recommends"]
    if output := _failure([*root, *_APT, *options, *packages]):
        raise DevstackError(f"{packages[0]} could not be installed:\n{output}\n{by_hand}")


def install_by_script(script: Path, *, packages: str, log: Path, by_hand: str) -> None:
    """Runs a script of ours as root that installs these. `log` gets its output."""
    root = become_root(by_hand=f"{packages} is missing: {by_hand}")
    print(f"devstack: installing {packages} with apt-get, once", flush=True)
    with log.open("w") as output:
        apt = subprocess.run(
            [*root, "sh", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if apt.returncode != 0:
        end = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-10:])
        raise DevstackError(f"{packages} could not be installed:\n{end}\n{by_hand}")


def unpack(package: str, *, into: Path, with_dependencies: tuple[str, ...] = ()) -> None:
    """Puts the package's files below `into`, also those of dependencies whose names begin so.
    Installs nothing, and needs no root if the lists of packages are there."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise DevstackError(f"install {package} with your package manager")
    print(f"devstack: downloading {package} with apt-get", flush=True)
    if is_root():
        _failure([*_APT, "update"])
    names = [package]
    if with_dependencies:
        names += _dependencies(package, with_dependencies)
    with tempfile.TemporaryDirectory() as folder:
        if output := _failure([*_APT, "download", *names], folder=Path(folder)):
            by_hand = f"type `sudo apt-get install {package}`"
            raise DevstackError(f"{package} could not be downloaded:\n{output}\n{by_hand}")
        for file in Path(folder).glob("*.deb"):
            into.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "--extract", file, into], check=True)


def _dependencies(package: str, beginnings: tuple[str, ...]) -> list[str]:
    only = [
        f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces")
    ]
    listed = subprocess.run(
        ["apt-cache", "depends", "--recurse", *only, package],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in listed.stdout.splitlines() if line.startswith(beginnings)]


def require(program: str, package: str) -> None:
    """Installs the package unless there is such a program."""
    if shutil.which(program) is None:
        install(package)


def _failure(command: Sequence[str | Path], *, folder: Path | None = None) -> str | None:
    """The last lines of its output if it fails."""
    run = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = run.stdout.splitlines()[-10:] or [f"exit status {run.returncode}"]
    return "\n".join(f"    {line}" for line in lines) if run.returncode else None


if __name__ == "__main__":
    try:
        require(*sys.argv[1:])
    except DevstackError as error:
        sys.exit(f"devstack: {error}")
