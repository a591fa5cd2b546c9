"""What a mail costs the notifier, with a real mail server.

The figure is CPU time, which other work on the machine changes little.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import pika

from bench.database import fresh_database
from bench.errors import BenchError
from bench.processes import manage, own_environment, running, wait
from bench.usage import cpu_seconds
from devstack import signals
from devstack.errors import Interrupted
from shared.messaging.topology import NOTIFICATIONS_QUEUE, declare
from tests.support.mail_server import MailServer, running_mail_server

LATEST = Path(__file__).parent / "results" / "mails.json"

WARM_UP_MAILS = 300
START_SECONDS = 60
SEND_SECONDS = 300


@dataclass(frozen=True)
class Cost:
    """`microseconds` of CPU time a mail."""

    mails: int
    microseconds: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.mails", description=__doc__)
    parser.add_argument("--mails", type=int, default=3000, help="that are measured")
    options = parser.parse_args()
    signals.raise_interrupted()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            fresh_database("booking") as database,
            running_mail_server() as server,
        ):
            os.environ.update(
                BOOKING_DATABASE_URL=database.url,
                DEBUG="false",
                EMAIL_URL=f"smtp://127.0.0.1:{server.port}",
            )
            manage("booking", own_environment(), "migrate", "--verbosity=0")
            cost = _measure(server, Path(folder), mails=options.mails)
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except BenchError as error:
        print(f"bench.mails: {error}", file=sys.stderr)
        return 1
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(asdict(cost), indent=2) + "\n")
    print(f"{cost.mails:,} mails: {cost.microseconds:,.0f} µs of the notifier's CPU time each")
    return 0


def _measure(server: MailServer, folder: Path, *, mails: int) -> Cost:
    _publish(WARM_UP_MAILS + mails)
    command = ("manage_booking.py", "notify_bookings")
    with running(command, own_environment(), folder / "notifier.log") as notifier:
        wait(lambda: len(server.mails) >= WARM_UP_MAILS, START_SECONDS, "no mails were sent")
        before, sent_before = cpu_seconds(notifier), len(server.mails)
        wait(
            lambda: len(server.mails) == WARM_UP_MAILS + mails,
            SEND_SECONDS,
            "not all mails were sent",
        )
        sent = len(server.mails) - sent_before
        return Cost(mails=sent, microseconds=(cpu_seconds(notifier) - before) / sent * 1e6)


def _publish(count: int) -> None:
    """Promotions, as the booking service announces them."""
    with pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"])) as connection:
        channel = connection.channel()
        declare(channel)
        channel.queue_purge(NOTIFICATIONS_QUEUE.name)
        for number in range(count):
            body = {
                "id": number + 1,
                "event_id": 7,
                "event_name": "Golang Workshop Bangkok",
                "user_id": f"user-{number}@example.com",
                "status": "confirmed",
                "created_at": "2026-02-20T10:00:00.25Z",
                "updated_at": "2026-02-20T10:00:01.5Z",
                "cause": "seat_freed",
            }
            properties = pika.BasicProperties(
                message_id=str(uuid4()), type="booking.promoted", delivery_mode=2
            )
            channel.basic_publish(
                "", NOTIFICATIONS_QUEUE.name, json.dumps(body).encode(), properties
            )


if __name__ == "__main__":
    sys.exit(main())
