"""One web server's process among several: books and cancels on its own connections, in its own
groups. Run by `test_processes.py`; reads and writes JSON lines."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "booking_project.settings"
django.setup()

from django.db import connection  # noqa: E402

from booking_project.bookings.services.bookings import (  # noqa: E402
    booking_cancel,
    booking_create,
)
from shared.errors import DomainError  # noqa: E402
from shared.idempotency.requests import IdempotentRequest  # noqa: E402


def main() -> None:
    plan: list[dict[str, Any]] = json.loads(sys.argv[1])
    with ThreadPoolExecutor(max_workers=8) as threads:
        connection.ensure_connection()
        connection.close()
        print("ready", flush=True)
        sys.stdin.readline()
        outcomes = list(threads.map(do, plan))
    connection.close_pool()
    print(json.dumps(outcomes), flush=True)


def do(step: dict[str, Any]) -> str:
    try:
        if "key" in step:
            return book_once(**step)
        if "book" in step:
            result = booking_create(event_id=step["event"], user_id=step["book"])
            return str(result.value.status)
        return str(booking_cancel(booking_id=step["cancel"]).status)
    except DomainError as refusal:
        return refusal.code
    finally:
        connection.close()


def book_once(event: int, book: str, key: str) -> str:
    """The id of the booking, with `again` where an earlier request made it."""
    request = IdempotentRequest(
        caller="anybody", path=f"/api/v1/events/{event}/bookings", key=key, fingerprint=book
    )
    result = booking_create(event_id=event, user_id=book, request=request)
    return f"{result.value.pk} again" if result.replayed else f"{result.value.pk}"


if __name__ == "__main__":
    main()
