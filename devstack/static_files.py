"""The static files of both services, collected where they will be served from."""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from devstack.apps import MANAGE
from devstack.environment import ROOT
from devstack.errors import DevstackError

FOLDER = ROOT / "staticfiles"
# The packages' own files change with the first, and what is done with all of them with the others.
_DECIDE = (
    "requirements-dev.lock",
    "shared/conf/base.py",
    "shared/assets/*.py",
    "*_project/settings.py",
)
_OURS = ("shared/**/static/**/*", "*_project/**/static/**/*")


def collect(environ: Mapping[str, str]) -> None:
    """Does nothing if no file has changed since. Raises `DevstackError`."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = _digest()
        done = FOLDER / "collected"
        if done.exists() and done.read_text() == wanted:
            return
        done.unlink(missing_ok=True)
        _collect(environ)
        done.write_text(wanted)


def _collect(environ: Mapping[str, str]) -> None:
    """For both services at the same time. Leaves older files: a service may still run with them."""
    running = {
        service: subprocess.Popen(
            [sys.executable, script, "collectstatic", "--noinput", "--verbosity=0"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for service, script in MANAGE.items()
    }
    for service, process in running.items():
        output, _ = process.communicate()
        if process.returncode != 0:
            raise DevstackError(f"collectstatic of the {service} service failed:\n{output}")


def _digest() -> str:
    found = hashlib.sha256()
    for file in _files():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        found.update(f"{file.relative_to(ROOT)} {content}\n".encode())
    return found.hexdigest()


def _files() -> Iterator[Path]:
    for pattern in (*_DECIDE, *_OURS):
        yield from sorted(file for file in ROOT.glob(pattern) if file.is_file())
