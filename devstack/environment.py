"""Where devstack reads its settings: the process environment, then `.env`, then defaults."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent


def with_dotenv(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` on top of the checkout's `.env`; an empty value counts as not set."""
    file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    return file | {name: value for name, value in environ.items() if value}


def dotenv_is_exposed() -> bool:
    """Whether other users of this machine may read the checkout's `.env`."""
    file = ROOT / ".env"
    return file.exists() and bool(file.stat().st_mode & 0o077)


def data_folder(environ: Mapping[str, str]) -> Path:
    return (ROOT / Path(environ.get("DEVSTACK_DATA", ".devstack")).expanduser()).resolve()


def is_root() -> bool:
    return os.geteuid() == 0
