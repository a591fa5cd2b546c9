"""Users get mails about their bookings, through both services and the broker."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import psycopg
import pytest

from tests.support.end_to_end.clients import EVENTS, Sale
from tests.support.end_to_end.system import OwnProcesses
from tests.support.outbox_sql import MESSAGES
from tests.support.waiting import until

_BETWEEN_MAILS = b"\n" + b"-" * 79 + b"\n"


class Mailbox:
    """All mails that were sent. Two mails of the same second may share a file, so their order is
    unknown."""

    def __init__(self, own: OwnProcesses) -> None:
        self._folder = own.mails

    def of(self, user_id: str) -> list[str]:
        """Subjects."""
        return sorted(mail["Subject"].strip() for mail in self._all() if mail["To"] == user_id)

    def wait_for(self, user_id: str, subjects: list[str]) -> None:
        until(lambda: len(self.of(user_id)) >= len(subjects), f"mail to {user_id}")
        assert self.of(user_id) == subjects

    def _all(self) -> list[EmailMessage]:
        parser = BytesParser(EmailMessage, policy=policy.default)
        return [
            parser.parsebytes(text)
            for file in self._folder.glob("*.log")
            for text in file.read_bytes().split(_BETWEEN_MAILS)[:-1]
        ]


@pytest.fixture
def mailbox(own: OwnProcesses) -> Mailbox:
    return Mailbox(own)


class Outbox:
    """The outbox of the booking service, limited to one booking."""

    def __init__(self, own: OwnProcesses, booking_id: int) -> None:
        self._url = own.environ["BOOKING_DATABASE_URL"]
        self._key = [f"booking-{booking_id}"]

    def published(self) -> int:
        statement = f"SELECT count(published_at) FROM {MESSAGES} WHERE ordering_key = %s".encode()
        with psycopg.connect(self._url) as database:
            row = database.execute(statement, self._key).fetchone()
        assert row is not None
        return int(row[0])

    def publish_again(self) -> None:
        """As after a crash of the relay between the broker's confirm and its own commit."""
        statement = (
            "UPDATE outbox_outboxentry SET published_at = NULL"
            f" WHERE id IN (SELECT id FROM {MESSAGES} WHERE ordering_key = %s)"
        ).encode()
        with psycopg.connect(self._url) as database:
            database.execute(statement, self._key)


def test_a_seat_that_is_given_up_is_mailed_to_who_gave_it_up_and_who_gets_it(
    sale: Sale, mailbox: Mailbox
) -> None:
    event = sale.create_event(name="One seat", max_seats=1, waitlist_limit=2)
    seated = sale.booked(event, f"ann-{event}@example.com")
    sale.booked(event, f"ben-{event}@example.com")
    sale.booked(event, f"cat-{event}")

    assert sale.cancel(seated["id"]).status_code == 200

    mailbox.wait_for(f"ann-{event}@example.com", ["Your booking is cancelled: One seat"])
    mailbox.wait_for(f"ben-{event}@example.com", ["You have a seat: One seat"])
    assert mailbox.of(f"cat-{event}@localhost") == [], "still waits, and was not asked about it"


def test_a_user_without_a_valid_address_does_not_delay_others(
    own: OwnProcesses, sale: Sale, mailbox: Mailbox
) -> None:
    """Django's validator takes that address; no mail can be built for it."""
    event = sale.create_event(name="Odd users", max_seats=2, waitlist_limit=0)
    odd = sale.booked(event, "a@x\u05bey.com")
    plain = sale.booked(event, f"ann-{event}@example.com")
    notifier = own.notifier.pid

    sale.cancel(odd["id"])
    sale.cancel(plain["id"])

    mailbox.wait_for(f"ann-{event}@example.com", ["Your booking is cancelled: Odd users"])
    assert own.notifier.is_running
    assert own.notifier.pid == notifier
    assert "undeliverable" in own.notifier.text()
    assert "Traceback" not in own.notifier.text()


def test_a_mail_is_sent_once_though_its_message_is_published_twice(
    own: OwnProcesses, sale: Sale, mailbox: Mailbox
) -> None:
    event = sale.create_event(name="Twice", max_seats=1, waitlist_limit=2)
    first, second = (sale.booked(event, f"{user}-{event}") for user in ("ann", "ben"))
    outbox = Outbox(own, second["id"])
    with own.stopped(own.notifier):
        sale.cancel(first["id"])
        until(lambda: outbox.published() == 2, "messages that he waits and is promoted")
        outbox.publish_again()
        until(lambda: outbox.published() == 2, "the same messages once more")
    sale.cancel(second["id"])

    # Messages of one booking arrive in order: after the last one, a copy would have been sent.
    mailbox.wait_for(
        f"ben-{event}@localhost",
        ["You have a seat: Twice", "Your booking is cancelled: Twice"],
    )


def test_an_event_that_is_cancelled_loses_all_its_bookings_and_everyone_is_told(
    sale: Sale, mailbox: Mailbox
) -> None:
    event = sale.create_event(name="No show", max_seats=3, waitlist_limit=2)
    for number in range(5):
        sale.booked(event, f"user-{number}-{event}")

    assert sale.events.post(f"{EVENTS}/{event}/cancel").status_code == 200

    until(lambda: len(sale.list(event, status="cancelled")) == 5, "cancelled bookings")
    assert sale.book(event, "late").json()["code"] == "event_cancelled"
    assert sale.counts(event)[:2] == (0, 0)
    for number in range(5):
        mailbox.wait_for(f"user-{number}-{event}@localhost", ["The event is cancelled: No show"])


def test_the_next_consumer_continues_after_one_that_died_between_two_batches(
    own: OwnProcesses, sale: Sale
) -> None:
    """The message was acknowledged long ago: the work that is left is stored in the database."""
    event = sale.create_event(max_seats=2, waitlist_limit=2)
    for number in range(4):
        sale.booked(event, f"user-{number}-{event}")
    with own.stopped(own.consumer):
        with psycopg.connect(own.environ["BOOKING_DATABASE_URL"]) as database:
            database.execute(
                "UPDATE bookings_event SET cancelled_at = now(), cancellation_pending = true"
                " WHERE id = %s",
                [event],
            )
        assert sale.counts(event)[:2] == (2, 2)

    until(lambda: sale.counts(event)[:2] == (0, 0), "cancelled bookings")
