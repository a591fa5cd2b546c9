"""The organiser of a local run: somebody to log in as, right after the first start."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from devstack import apps
from devstack.environment import ROOT

USERNAME = "organiser"
GROUP = "manager"


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Only where everything is open anyway, and never in a database that others may use."""
    ours = not environ.keys() & {"EVENT_DATABASE_URL", "BOOKING_DATABASE_URL"}
    return environ.get("AUTH_MODE", "open") == "open" and ours


def password_file(data: Path) -> Path:
    return data / "organiser-password"


def make(data: Path, environ: Mapping[str, str]) -> str:
    """What to tell the user: the password of the new organiser, or where it is kept."""
    file = password_file(data)
    if file.exists():
        return f"log in to both as {USERNAME!r}; the password is in {file}"
    password = secrets.token_urlsafe(12)
    running = {service: _make_staff(service, environ) for service in apps.MANAGE}
    complaints = {
        service: process.communicate(f"{password}\n")[1] for service, process in running.items()
    }
    for service, process in running.items():
        if process.returncode != 0:
            reason = complaints[service].strip().removeprefix("CommandError: ")
            return f"no organiser was made in the {service} service: {reason}"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as out:
        print(password, file=out)
    return f"log in to both as {USERNAME!r} with the password {password}"


def _make_staff(service: str, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, apps.MANAGE[service], "make_staff", USERNAME, "--group", GROUP],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
