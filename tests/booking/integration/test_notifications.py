"""Users get one mail for each promotion or cancellation, whatever broker and mail server do."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from booking_project.bookings.domain.transitions import Reason
from booking_project.notifications import addresses, sending, sessions
from booking_project.notifications.addresses import address_of
from booking_project.notifications.errors import Undeliverable
from booking_project.notifications.handlers import KIND_BY_CAUSE, handle_booking_messages
from booking_project.notifications.models import Notification, NotificationKind
from booking_project.notifications.sending import MailSender
from shared.messaging.errors import BadMessage, HandleAlone, HandlerUnavailable, TryLater
from shared.messaging.incoming import IncomingMessage
from tests.support.booking.held_rows import in_background
from tests.support.concurrency import at_once, waiting_for_a_lock
from tests.support.mail_server import MailServer, running_mail_server, sick_server
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import BRIEF_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)  # the handler gives its connection back

PROMOTED: dict[str, Any] = {
    "id": 12,
    "event_id": 7,
    "event_name": "Golang Workshop Bangkok",
    "user_id": "ann@example.com",
    "status": "confirmed",
    "created_at": "2026-02-20T10:00:00Z",
    "updated_at": "2026-02-20T10:00:01.5Z",
    "cause": "seat_freed",
}
CANCELLED = {**PROMOTED, "status": "cancelled", "cause": "cancelled_by_user"}


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with running_mail_server() as server:
        settings.EMAIL_BACKEND = "booking_project.notifications.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_TIMEOUT = PATIENCE_SECONDS
        settings.DEFAULT_FROM_EMAIL = "Bookings <bookings@tickets.example>"
        yield server


def message(body: bytes | dict[str, Any], *, message_id: str | None = None) -> IncomingMessage:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return IncomingMessage(
        message_id=message_id or str(uuid4()),
        routing_key="booking.promoted",
        headers={},
        body=raw,
    )


def handle(body: bytes | dict[str, Any]) -> None:
    handle_message(message(body))


def handle_message(only: IncomingMessage) -> None:
    """Raises what becomes of it, if its mail is not sent."""
    with MailSender() as sender:
        for failure in handle_booking_messages([only], sender=sender).values():
            raise failure


@pytest.mark.parametrize(
    ("cause", "kind", "subject", "said"),
    [
        ("seat_freed", "promoted", "You have a seat", "Your booking is confirmed"),
        ("capacity_raised", "promoted", "You have a seat", "Your booking is confirmed"),
        ("repaired", "promoted", "You have a seat", "Your booking is confirmed"),
        ("cancelled_by_user", "cancelled_by_user", "Your booking is cancelled", "as you asked"),
        ("event_cancelled", "event_cancelled", "The event is cancelled", "does not take place"),
    ],
)
def test_a_mail_says_what_happened_and_why(
    server: MailServer, cause: str, kind: str, subject: str, said: str
) -> None:
    handle({**PROMOTED, "cause": cause})

    [mail] = server.mails
    assert mail["Subject"] == f"{subject}: Golang Workshop Bangkok"
    assert mail["To"] == "ann@example.com"
    assert mail["From"] == "Bookings <bookings@tickets.example>"
    text = mail.get_content()
    assert said in " ".join(text.split())
    assert "Booking:  12" in text
    row = Notification.objects.get()
    assert (row.booking_id, row.kind, row.address) == (12, kind, "ann@example.com")


def test_there_is_a_mail_for_every_kind() -> None:
    assert set(KIND_BY_CAUSE.values()) == set(NotificationKind)


def test_there_is_a_mail_for_each_reason_except_the_users_own_booking() -> None:
    """The two apps share no code, so this compares the causes that each knows."""
    assert set(KIND_BY_CAUSE) == set(Reason) - {Reason.BOOKED}


def test_the_name_of_the_event_is_shown_as_it_is(server: MailServer) -> None:
    handle({**PROMOTED, "event_name": "ภาษาไทย & <b>Rock</b>\u2028'n' Roll"})

    [mail] = server.mails
    assert mail["Subject"].strip() == "You have a seat: ภาษาไทย & <b>Rock</b> 'n' Roll"
    assert "ภาษาไทย & <b>Rock</b>" in mail.get_content()


def test_a_message_that_comes_again_sends_nothing(server: MailServer) -> None:
    first = message(PROMOTED)

    handle_message(first)
    handle_message(first)

    assert len(server.mails) == 1
    assert Notification.objects.count() == 1


def test_a_booking_gets_a_mail_for_each_thing_that_happens_to_it(server: MailServer) -> None:
    handle(PROMOTED)
    handle(CANCELLED)

    assert [mail["Subject"].split(":")[0] for mail in server.mails] == [
        "You have a seat",
        "Your booking is cancelled",
    ]


def test_the_same_message_in_four_consumers_at_once_sends_one_mail(server: MailServer) -> None:
    """The others arrive while the mail is being sent."""
    server.held = True
    same = message(PROMOTED)

    with in_background(lambda: at_once([lambda: handle_message(same)] * 4)) as outcomes:
        until(lambda: waiting_for_a_lock() == 3, "three who wait for the first")
        server.held = False

    assert outcomes == [[None] * 4]
    assert len(server.mails) == 1


def test_a_consumer_that_waits_for_a_mail_that_fails_sends_it(server: MailServer) -> None:
    same = message(PROMOTED)
    server.at_next_data = ["451 try again"]
    server.held = True

    with in_background(lambda: handle_message(same)) as first:
        _until_the_message_is_locked()
        with in_background(lambda: handle_message(same)) as second:
            until(lambda: waiting_for_a_lock() == 1, "one who waits for the first")
            server.held = False

    assert [type(outcome) for outcome in first] == [TryLater]
    assert second == [None]
    assert len(server.mails) == 1
    assert Notification.objects.count() == 1


def test_copies_of_a_mail_can_be_recognised(server: MailServer) -> None:
    """The one gap: the process dies after the mail server accepted the mail, before the commit."""
    same = message(PROMOTED)

    handle_message(same)
    Notification.objects.all().delete()
    handle_message(same)
    handle(PROMOTED)

    first, copy, other = (mail["Message-ID"] for mail in server.mails)
    assert first == copy == f"<{same.message_id}@tickets.example>"
    assert other != first


class TestTrouble:
    @pytest.mark.parametrize("answer", ["450 mailbox busy", "451 greylisted"])
    def test_with_one_recipient_for_now_delays_only_that_mail(
        self, server: MailServer, answer: str
    ) -> None:
        same = message(PROMOTED)
        server.at_recipient = answer
        with pytest.raises(TryLater, match=answer):
            handle_message(same)
        assert Notification.objects.count() == 0

        server.at_recipient = ""
        handle_message(same)
        assert len(server.mails) == 1

    def test_of_a_server_that_closes_for_all_is_waited_out(self, server: MailServer) -> None:
        server.at_recipient = "421 too many"

        with pytest.raises(HandlerUnavailable, match="mail server"):
            handle(PROMOTED)
        assert Notification.objects.count() == 0

    def test_with_the_text_for_now_delays_only_that_mail(self, server: MailServer) -> None:
        server.at_data = "451 out of disk"

        with pytest.raises(TryLater, match="451 out of disk"):
            handle(PROMOTED)

    def test_with_a_recipient_who_is_refused_for_good_makes_a_dead_letter(
        self, server: MailServer
    ) -> None:
        server.at_recipient = "550 no such user"

        with pytest.raises(BadMessage, match="550 no such user"):
            handle(PROMOTED)

        assert Notification.objects.count() == 0

    def test_with_a_text_that_is_refused_for_good_makes_a_dead_letter(
        self, server: MailServer
    ) -> None:
        server.at_data = "554 spam"

        with pytest.raises(BadMessage, match="554 spam"):
            handle(PROMOTED)

    def test_with_a_server_that_hangs_during_one_mail_delays_only_that_mail(
        self, server: MailServer, settings: Any
    ) -> None:
        settings.EMAIL_TIMEOUT = 1
        server.seconds_per_mail = 5

        with pytest.raises(TryLater, match="gave up on it"):
            handle(PROMOTED)

    @pytest.mark.parametrize(
        ("says", "then"),
        [
            pytest.param(b"", "hangs", id="says nothing"),
            pytest.param(b"2", "drips", id="drips its greeting"),
            pytest.param(b"220-more\r\n", "drips", id="greets without end"),
            pytest.param(b"", "closes", id="closes at once"),
            pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "closes", id="is none"),
            pytest.param(b"220 hello\r\n", "closes", id="closes after its greeting"),
        ],
    )
    def test_with_a_failing_server_is_waited_out(
        self, says: bytes, then: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "CONVERSATION_SECONDS", 3.0)
        with sick_server(says, then) as port:
            settings.EMAIL_BACKEND = "booking_project.notifications.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
            settings.EMAIL_TIMEOUT = 2

            with pytest.raises(HandlerUnavailable, match="mail server"):
                handle(PROMOTED)
        assert Notification.objects.count() == 0

    def test_with_a_missing_folder_for_mails_is_waited_out(
        self, settings: Any, tmp_path: Path
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
        settings.EMAIL_FILE_PATH = str(tmp_path / "file" / "folder")
        (tmp_path / "file").write_text("no folder")

        with pytest.raises(HandlerUnavailable, match="mail server"):
            handle(PROMOTED)

    def test_with_a_missing_server_is_waited_out(self, server: MailServer, settings: Any) -> None:
        settings.EMAIL_PORT = 9

        with pytest.raises(HandlerUnavailable, match="mail server"):
            handle(PROMOTED)
        assert Notification.objects.count() == 0


@pytest.fixture
def sender() -> Iterator[MailSender]:
    with MailSender() as sender:
        yield sender


def to(user_id: str) -> IncomingMessage:
    return message({**PROMOTED, "user_id": f"{user_id}@example.com"})


class TestABatch:
    def test_has_an_outcome_for_each_mail(self, server: MailServer, sender: MailSender) -> None:
        good, unknown, busy, last = batch = [to(user) for user in ("ann", "ben", "cat", "dan")]
        bad = message(b"[")
        server.at_recipients = {
            "ben@example.com": "550 no such user",
            "cat@example.com": "450 mailbox busy",
        }

        failures = handle_booking_messages([bad, *batch], sender=sender)

        assert {each: type(failure) for each, failure in failures.items()} == {
            bad: BadMessage,
            unknown: BadMessage,
            busy: TryLater,
        }
        assert sorted(mail["To"] for mail in server.mails) == ["ann@example.com", "dan@example.com"]
        sent = Notification.objects.values_list("message_id", flat=True)
        assert {str(each) for each in sent} == {good.message_id, last.message_id}

    def test_is_sent_once_if_it_comes_again(self, server: MailServer, sender: MailSender) -> None:
        batch = [to(f"user-{number}") for number in range(8)]

        assert handle_booking_messages(batch, sender=sender) == {}
        assert handle_booking_messages([to("new"), *batch], sender=sender) == {}

        assert len(server.mails) == 9

    def test_may_contain_a_message_twice(self, server: MailServer, sender: MailSender) -> None:
        first = to("ann")
        copy = replace(first)

        failures = handle_booking_messages([first, copy], sender=sender)

        assert {each: type(failure) for each, failure in failures.items()} == {copy: HandleAlone}
        assert handle_booking_messages([copy], sender=sender) == {}
        assert len(server.mails) == 1

    def test_is_sent_by_several_sessions_at_once(
        self, server: MailServer, sender: MailSender
    ) -> None:
        server.held = True
        batch = [to(f"user-{number}") for number in range(4)]

        with in_background(lambda: handle_booking_messages(batch, sender=sender)) as outcomes:
            until(lambda: server.waiting == 4, "mails at the same time")
            server.held = False

        assert outcomes == [{}]

    def test_goes_through_the_connections_that_the_server_accepts(
        self, server: MailServer, sender: MailSender
    ) -> None:
        server.most_connections = 1

        assert handle_booking_messages([to(f"user-{n}") for n in range(8)], sender=sender) == {}
        assert len(server.mails) == 8
        assert server.connections == 1

    def test_leaves_what_it_had_no_time_for_to_the_next(
        self, server: MailServer, sender: MailSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "BEGIN_SECONDS", 0.0)

        failures = handle_booking_messages([to(f"user-{n}") for n in range(6)], sender=sender)

        assert [type(failure) for failure in failures.values()] == [HandleAlone] * 2
        assert len(server.mails) == Notification.objects.count() == 4
        for each in failures:
            assert handle_booking_messages([each], sender=sender) == {}
        assert len(server.mails) == Notification.objects.count() == 6

    def test_waits_for_a_server_that_is_away(
        self, server: MailServer, sender: MailSender, settings: Any
    ) -> None:
        settings.EMAIL_PORT = 9
        batch = [to(f"user-{number}") for number in range(6)]

        failures = handle_booking_messages(batch, sender=sender)

        assert {type(failure) for failure in failures.values()} == {HandlerUnavailable}
        assert len(failures) == 6
        assert Notification.objects.count() == 0


class TestAConnection:
    def test_is_kept_for_the_next_mail(self, server: MailServer, sender: MailSender) -> None:
        for number in range(3):
            assert handle_booking_messages([to(f"user-{number}")], sender=sender) == {}

        assert server.connections == 1

    def test_is_kept_after_a_refusal(self, server: MailServer, sender: MailSender) -> None:
        server.at_recipients = {"ben@example.com": "550 no such user"}
        server.at_next_data = ["250 OK", "451 out of disk"]
        for user, failures in (("ann", 0), ("ben", 1), ("cat", 1), ("dan", 0)):
            assert len(handle_booking_messages([to(user)], sender=sender)) == failures

        assert server.connections == 1

    def test_that_the_server_has_closed_is_replaced(
        self, server: MailServer, sender: MailSender
    ) -> None:
        assert handle_booking_messages([to("ann")], sender=sender) == {}
        server.hang_up()

        assert handle_booking_messages([to("ben")], sender=sender) == {}
        assert [mail["To"] for mail in server.mails] == ["ann@example.com", "ben@example.com"]

    def test_that_may_carry_no_more_mails_is_replaced(
        self, server: MailServer, sender: MailSender
    ) -> None:
        server.most_mails_per_connection = 2

        for number in range(5):
            assert handle_booking_messages([to(f"user-{number}")], sender=sender) == {}

        assert len(server.mails) == 5
        assert server.connections == 3

    def test_that_froze_between_two_mails_is_given_up_for_a_new_one(
        self, server: MailServer, sender: MailSender, settings: Any
    ) -> None:
        settings.EMAIL_TIMEOUT = 1
        with closing(TcpProxy("127.0.0.1", server.port)) as way:
            settings.EMAIL_PORT = way.port
            assert handle_booking_messages([to("ann")], sender=sender) == {}
            way.freeze()

            [failure] = handle_booking_messages([to("ben")], sender=sender).values()
            assert isinstance(failure, HandlerUnavailable), "every mail's trouble, not this one's"

            settings.EMAIL_PORT = server.port
            assert handle_booking_messages([to("ben")], sender=sender) == {}

    def test_that_is_lost_with_the_text_of_a_mail_is_that_mails_trouble(
        self, server: MailServer, sender: MailSender
    ) -> None:
        """The server may have accepted it, so it is not sent again at once."""
        assert handle_booking_messages([to("ann")], sender=sender) == {}
        server.held = True
        with in_background(lambda: handle_booking_messages([to("ben")], sender=sender)) as outcomes:
            until(lambda: server.waiting == 1, "the text of a mail")
            server.hang_up()
        server.held = False

        [failures] = outcomes
        [failure] = failures.values()
        assert isinstance(failure, TryLater)
        assert server.connections == 1

    def test_is_closed_when_it_is_idle(
        self, server: MailServer, sender: MailSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert handle_booking_messages([to("ann")], sender=sender) == {}
        assert not sender.close_idle()
        assert server.open_connections == 1

        monkeypatch.setattr(sessions, "_IDLE_SECONDS", 0.0)
        sender.close_idle()

        until(lambda: server.open_connections == 0, "closed connection")
        assert handle_booking_messages([to("ben")], sender=sender) == {}

    def test_is_not_waited_for_when_it_is_closed(
        self, server: MailServer, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its mails are accepted: whatever the server answers to QUIT, and when, is nothing."""
        monkeypatch.setattr(sessions, "QUIT_SECONDS", BRIEF_SECONDS)
        with closing(TcpProxy("127.0.0.1", server.port)) as way:
            settings.EMAIL_PORT = way.port
            with MailSender() as sender:
                assert handle_booking_messages([to("ann")], sender=sender) == {}
                way.freeze()

        assert len(server.mails) == 1


def test_sending_a_mail_may_take_longer_than_the_idle_timeout(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise PostgreSQL would end the session, and the mail would be sent again."""
    server.seconds_per_mail = 2.5
    # The connection is kept, or the handler would begin with another one.
    monkeypatch.setattr("shared.messaging.handling.close_old_connections", lambda: None)
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 1500")
        try:
            handle(PROMOTED)
        finally:
            cursor.execute("RESET idle_in_transaction_session_timeout")

    assert Notification.objects.count() == 1


@pytest.mark.parametrize(
    ("user_id", "address"),
    [
        ("ann@example.com", "ann@example.com"),
        ("ann", "ann@localhost"),
        ("user-000.1_x", "user-000.1_x@localhost"),
    ],
)
def test_the_address_is_the_id_or_made_from_it(user_id: str, address: str) -> None:
    assert address_of(user_id) == address


def test_the_pattern_of_addresses_is_a_setting(settings: Any) -> None:
    settings.NOTIFICATION_ADDRESS = "bookings+{user_id}@example.com"

    assert address_of("ann") == "bookings+ann@example.com"


@pytest.mark.parametrize(
    "user_id",
    [
        "ann smith",
        "ann\nBcc: everyone@example.com",
        "ann@",
        "a@b@c",
        "ann,ben",
        "<ann>",
        "สมชาย",
        "x" * 65,
        "a@" + "x" * 250 + ".com",
        "a@x\u05bey.com",  # Django's validator takes it, IDNA doesn't
        "\u017fmith@example.com",  # a long s, which is an s where case is ignored
        "ann@\ud800.com",
        "ann@" + "\u05d0" * 62 + ".com",
    ],
)
def test_an_invalid_address_is_undeliverable(user_id: str) -> None:
    with pytest.raises(Undeliverable):
        address_of(user_id)


# What could be an address, a name or a trick: none of it may be more than this message's end.
ODD_USERS = [
    "a@x\u05bey.com",
    "a@\u0e40\u0e21\u0e37\u0e2d\u0e07.com",
    "a@xn--.com",
    "a@xn--\u00fc.com",
    "a@[127.0.0.1]",
    "a@[::1]",
    '"a b"@example.com',
    '"\\"@example.com',
    '"<b>"@example.com',
    "a@" + "b." * 120 + "com",
    "\u212aelvin@example.com",
    "=?utf-8?q?a?=@example.com",
    "a@example.com>\u2028",
    "\u202ea@example.com",
    "a,b@example.com",
    "\U0001f3ab@example.com",
    "x" * 64 + "@example.com",
    "'; DROP TABLE users; --",
]


@pytest.mark.parametrize("user_id", ODD_USERS)
@pytest.mark.parametrize("event_name", ["Workshop", "\U0001f3ab =?utf-8?q?x?= " + "\u0e44" * 200])
def test_an_odd_user_gets_a_mail_or_a_dead_letter(
    server: MailServer, user_id: str, event_name: str
) -> None:
    try:
        handle({**PROMOTED, "user_id": user_id, "event_name": event_name})
        assert len(server.mails) == 1
    except BadMessage:
        assert server.mails == []
    handle(PROMOTED)
    assert server.mails[-1]["To"] == "ann@example.com"


def test_an_error_while_a_mail_is_built_makes_its_message_a_dead_letter(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Django's own check of addresses, which lets some invalid ones through."""
    monkeypatch.setattr(addresses, "is_address", lambda text: True)

    with pytest.raises(BadMessage, match="undeliverable: Unicode"):
        handle({**PROMOTED, "user_id": "a@x\u05bey.com"})

    handle(PROMOTED)
    assert len(server.mails) == 1


def test_a_user_without_an_address_is_a_bad_message(server: MailServer) -> None:
    with pytest.raises(BadMessage, match="undeliverable"):
        handle({**PROMOTED, "user_id": "ann smith"})

    assert server.mails == []


@pytest.mark.parametrize("body", [b"", b"\xff", b"[", b"null", b"[]", b"{}"])
def test_anything_but_a_booking_is_a_bad_message(body: bytes) -> None:
    with pytest.raises(BadMessage, match=r"^not (JSON|a booking)"):
        handle(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "12"),
        ("id", 0),
        ("event_name", ""),
        ("event_name", "line\nbreak"),
        ("user_id", None),
        ("user_id", "ann\r\nBcc: everyone@example.com"),
        ("cause", "booked"),
        ("cause", "because"),
        ("cause", None),
    ],
)
def test_an_invalid_field_is_named(field: str, value: object) -> None:
    with pytest.raises(BadMessage, match=f"'{field}'"):
        handle({**PROMOTED, field: value})


@pytest.mark.parametrize("message_id", ["m-1", "12", "\x00"])
def test_a_message_without_a_unique_id_is_a_bad_message(message_id: str) -> None:
    with pytest.raises(BadMessage, match="message_id"):
        handle_message(message(PROMOTED, message_id=message_id))


def _until_the_message_is_locked() -> None:
    """The row isn't visible yet: its transaction is open and waits for the mail server."""

    def holds() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock'"
                " AND relation = 'bookings_notification'::regclass AND pid <> pg_backend_pid()"
            )
            return bool(cursor.fetchone()[0])

    until(holds, "transaction that sends the mail")
