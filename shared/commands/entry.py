"""Entry point of `manage_event.py` and `manage_booking.py`. Each runs its own service, whatever the
environment says, and refuses the other's settings."""

import os
import sys

from shared.observability.request_id import new_for_command, request_id

# Their statements may take hours, and a person is there to stop them.
_UNHURRIED = frozenset({"migrate", "shell", "distribute"})


def run(*, settings_module: str) -> None:
    """Run the command on `sys.argv` with these settings.

    A stray DJANGO_SETTINGS_MODULE is overruled. A `--settings` that asks for another module is
    refused, because its user is running the wrong script.
    """
    asked_for = _settings_option(sys.argv)
    if asked_for not in (None, settings_module):
        raise SystemExit(f"{sys.argv[0]} runs with {settings_module} only, not with {asked_for}")
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    if not _UNHURRIED.isdisjoint(sys.argv[1:2]):
        os.environ.setdefault("DATABASE_WAITS", "unlimited")

    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        raise SystemExit(
            f"Django is not installed for {sys.executable}. With `make start` running, type "
            f'`make {_target(sys.argv[0])} ARGS="…"`; elsewhere: .venv/bin/python {sys.argv[0]} …'
        ) from None

    if sys.argv[1:]:
        request_id.set(new_for_command(sys.argv[1]))
    execute_from_command_line(sys.argv)


def _target(script: str) -> str:
    """manage-event for manage_event.py"""
    return os.path.basename(script).removesuffix(".py").replace("_", "-")


def _settings_option(arguments: list[str]) -> str | None:
    for position, argument in enumerate(arguments):
        if argument.startswith("--settings="):
            return argument.partition("=")[2]
        if argument == "--settings":
            return next(iter(arguments[position + 1 :]), "")
    return None
