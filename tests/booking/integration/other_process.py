"""One web server's process among several: books and cancels on its own connections, in its own
groups. Run by `test_processes.py`; speaks JSON lines on its standard streams."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "booking_project.settings"
django.setup()

from django.db import connection  # noqa: E402

from booking_project.bookings import admission  # noqa: E402
from booking_project.bookings.api.serializers import represent_booking  # noqa: E402
from shared.errors import DomainError  # noqa: E402
from shared.idempotency.attempts import Attempt  # noqa: E402


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
            return str(admission.book(event_id=step["event"], user_id=step["book"]).status)
        return str(admission.cancel(booking_id=step["cancel"]).status)
    except DomainError as refusal:
        return refusal.code
    finally:
        connection.close()


def book_once(event: int, book: str, key: str) -> str:
    """The id of the booking, with `again` where it was made by an earlier attempt."""
    attempt = Attempt(
        caller="anybody",
        path=f"/api/v1/events/{event}/bookings",
        key=key,
        fingerprint=book,
        represent=represent_booking,
    )
    reply = admission.book_once(event_id=event, user_id=book, attempt=attempt)
    booking_id = json.loads(reply.first.body)["id"]
    return f"{booking_id} again" if reply.replayed else f"{booking_id}"


if __name__ == "__main__":
    main()
