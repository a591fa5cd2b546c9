"""Secrets of one data folder: generated once and readable only by their owner."""

import json
import os
import secrets
from pathlib import Path

OF_SERVICES = ("EVENT_SECRET_KEY", "BOOKING_SECRET_KEY")
NAMES = (
    *OF_SERVICES,
    *("postgres_password", "replication_password", "patroni_password"),
    *("event_db_password", "booking_db_password", "rabbitmq_password", "erlang_cookie"),
)


def make() -> dict[str, str]:
    return {name: secrets.token_urlsafe(48) for name in NAMES}


def load(folder: Path) -> dict[str, str]:
    """The secrets of `folder`. Missing ones are generated and saved."""
    file = folder / "secrets.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if not known.keys() >= set(NAMES):
        known = make() | known
        draft = folder / "secrets.json.new"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as out:
            json.dump(known, out, indent=2)
        draft.rename(file)
    return known
