"""A mail is in the language that the user chose on the pages, and greets by name."""

from uuid import uuid4

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking_project.contacts.services import contact_remember
from booking_project.notifications.mails import BookingNews
from booking_project.notifications.models import NotificationKind
from booking_project.notifications.sending import MailSender
from booking_project.notifications.services import notify

pytestmark = pytest.mark.django_db


def news(user_id: str = "ann@example.com", **changes: object) -> BookingNews:
    return BookingNews(
        **{  # type: ignore[arg-type]
            "message_id": uuid4(),
            "id": 12,
            "event_name": "Django Day",
            "user_id": user_id,
            "kind": NotificationKind.PROMOTED,
            **changes,
        }
    )


def mails_about(*all_news: BookingNews, outbox: list[EmailMessage]) -> dict[str, EmailMessage]:
    """By address."""
    with MailSender() as sender:
        assert notify(all_news, sender=sender) == {}
    return {mail.to[0]: mail for mail in outbox}


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        (NotificationKind.PROMOTED, "คุณได้ที่นั่งแล้ว", "การจองของคุณได้รับการยืนยัน"),
        (NotificationKind.CANCELLED_BY_USER, "ยกเลิกการจองแล้ว", "ตามที่คุณขอ"),
        (NotificationKind.EVENT_CANCELLED, "ยกเลิกการจัดงาน", "ถูกยกเลิก"),
    ],
)
def test_a_guest_who_chose_thai_gets_thai(
    mailoutbox: list[EmailMessage], kind: NotificationKind, subject: str, said: str
) -> None:
    contact_remember(user_id="ann@example.com", name="แอน", language="th")

    mail = mails_about(news(kind=kind), outbox=mailoutbox)["ann@example.com"]

    assert mail.subject == f"{subject}: Django Day"
    assert mail.body.startswith("สวัสดี คุณแอน\n\n")
    assert said in mail.body
    assert "หมายเลขการจอง: 12" in mail.body


def test_each_mail_of_a_batch_has_its_own_language(mailoutbox: list[EmailMessage]) -> None:
    contact_remember(user_id="ann@example.com", name="Ann", language="en")
    contact_remember(user_id="somchai", name="สมชาย", language="th")

    mails = mails_about(news(), news("somchai"), news("api"), outbox=mailoutbox)

    assert mails["ann@example.com"].body.startswith("Hello Ann,\n\nA seat became free")
    assert mails["somchai@localhost"].body.startswith("สวัสดี คุณสมชาย\n\n")
    assert mails["api@localhost"].body.startswith("Hello,\n\nA seat became free")


def test_the_contacts_of_a_batch_take_one_query(mailoutbox: list[EmailMessage]) -> None:
    for number in range(5):
        contact_remember(user_id=f"user-{number}", name="Ann", language="th")

    with CaptureQueriesContext(connection) as queries:
        mails = mails_about(*(news(f"user-{number}") for number in range(5)), outbox=mailoutbox)

    assert len(mails) == 5
    assert len([query for query in queries if "contacts_contact" in query["sql"]]) == 1


@pytest.mark.parametrize("name", ["https://evil.example", "win@evil.example", "Go to evil.example"])
def test_a_name_that_mail_readers_show_as_a_link_is_left_out(
    mailoutbox: list[EmailMessage], name: str
) -> None:
    """Anybody can book for the address of somebody else, and choose the name."""
    contact_remember(user_id="ann@example.com", name=name, language="en")

    mail = mails_about(news(), outbox=mailoutbox)["ann@example.com"]

    assert mail.body.startswith("Hello,\n")
    assert "evil" not in mail.body


@pytest.mark.parametrize("name", ["J. R. Smith", "Anne-Marie O'Neil", "ดร.สมชาย"])
def test_other_names_are_used(mailoutbox: list[EmailMessage], name: str) -> None:
    contact_remember(user_id="ann@example.com", name=f"{name}\r\n", language="en")

    mail = mails_about(news(), outbox=mailoutbox)["ann@example.com"]

    assert mail.body.startswith(f"Hello {name},\n")
