"""`make admin`: one superuser, with the same password in both services."""

import getpass
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping

from devstack import apps
from devstack.environment import ROOT
from devstack.errors import DevstackError
from devstack.stack import Stack

USERNAME = "admin"
SHORTEST_PASSWORD = 12


def create(stack: Stack, environ: Mapping[str, str]) -> int:
    """Makes the user in each service that lacks it. A generated password is printed once.

    ADMIN_USERNAME and ADMIN_PASSWORD are used if set. Otherwise it asks at the terminal; without a
    terminal, the name is "admin" and the password is generated. Raises `DevstackError`. A service
    that already has a user of that name keeps its password, and 1 is returned.
    """
    known = stack.client_environ()
    username = environ.get("ADMIN_USERNAME") or _ask_name()
    password = environ.get("ADMIN_PASSWORD") or _ask_password()
    generated = not password
    if generated:
        password = secrets.token_urlsafe(16)
    elif len(password) < SHORTEST_PASSWORD:
        raise DevstackError(f"the password is shorter than {SHORTEST_PASSWORD} characters")
    refusals = {
        service: refusal
        for service in apps.MANAGE
        if (refusal := _create(service, username, password, known))
    }
    made = [service for service in apps.MANAGE if service not in refusals]
    if made:
        shown = f"password {password}" if generated else "the given password"
        print(f"made {username!r} in the {' and the '.join(made)} service, with {shown}")
        print("\n".join(f"{apps.url(service, stack.ports)}/admin/" for service in made))
    for service, refusal in refusals.items():
        print(
            f"devstack: not made in the {service} service: {refusal} (to give a user another "
            f'password: make manage-{service} ARGS="changepassword {username}")',
            file=sys.stderr,
        )
    return 1 if refusals else 0


def _create(service: str, username: str, password: str, environ: Mapping[str, str]) -> str:
    """Django's error message; empty if the user was made."""
    done = subprocess.run(
        [sys.executable, apps.MANAGE[service], "createsuperuser", "--noinput"],
        cwd=ROOT,
        # Not passed as arguments, which every user of this machine can see.
        env={
            **environ,
            "DJANGO_SUPERUSER_USERNAME": username,
            "DJANGO_SUPERUSER_PASSWORD": password,
            "DJANGO_SUPERUSER_EMAIL": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr.strip().removeprefix("CommandError: ")


def _ask_name() -> str:
    if not _at_terminal():
        return USERNAME
    return input(f"User name [{USERNAME}]: ").strip() or USERNAME


def _ask_password() -> str:
    """Empty if a password is to be generated."""
    if not _at_terminal():
        return ""
    password = getpass.getpass("Password (empty: a generated one is shown): ")
    if password and getpass.getpass("Password again: ") != password:
        raise DevstackError("the two passwords differ")
    return password


def _at_terminal() -> bool:
    return os.isatty(sys.stdin.fileno())
