"""The booking desk with 200 events and 28,000 bookings: bounded reads, and files of all of it."""

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.models import Booking, Event
from booking_project.contacts.services import contact_remember
from booking_project.organisers.export import CHUNK, harmless
from tests.support.booking.factories import EventFactory, booked, now
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.plans import empty_tables

pytestmark = [pytest.mark.django_db, on_one_server]

EVENTS = 200
BOOKINGS = 28_000
LIST = "/admin/bookings/booking/"


@pytest.fixture
def staff(browser: Client) -> Client:
    browser.force_login(User.objects.create_superuser("admin"))
    return browser


@pytest.fixture
def many() -> None:
    empty_tables()
    Event.objects.bulk_create(
        EventFactory.build(id=number, name=f"Event {number}", max_seats=100, waitlist_limit=100)
        for number in range(1, EVENTS + 1)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO bookings_booking
                   (event_id, user_id, status, waitlist_order, created_at, updated_at)
            SELECT n %% %s + 1, 'user-' || n || '@example.com',
                   CASE WHEN n %% 7 = 0 THEN 'cancelled'
                        WHEN n %% 7 < 3 THEN 'waitlisted' ELSE 'confirmed' END,
                   n, now(), now()
              FROM generate_series(1, %s) AS n
            """,
            [EVENTS, BOOKINGS],
        )
        cursor.execute(
            "UPDATE bookings_event SET confirmed_count = 80, waitlisted_count = 40 WHERE id <= 200"
        )
        cursor.execute("ANALYZE bookings_booking, bookings_event")


PAGES = {
    "overview": ("/admin/", 80),
    "events": ("/admin/bookings/event/", 8),
    "event": ("/admin/bookings/event/7/change/", 14),
    "bookings": (LIST, 10),
    "last page": (f"{LIST}?p=500", 10),
    "of an event": (f"{LIST}?event__id__exact=7", 10),
    "waitlist": (f"{LIST}?event__id__exact=7&status__exact=waitlisted", 10),
    "search": (f"{LIST}?q=user-2799", 10),
    "booking": (f"{LIST}{{booking}}/change/", 14),
    "cancel": (f"{LIST}{{booking}}/cancel/", 12),
    "book": (f"{LIST}book/?event=7", 8),
    "mails": ("/admin/notifications/notification/", 8),
}


@pytest.mark.usefixtures("many")
def test_every_page_needs_few_queries_and_none_for_each_row(staff: Client) -> None:
    booking = Booking.objects.filter(event_id=7, status="confirmed").latest("pk").pk
    for name, (path, most) in PAGES.items():
        path = path.format(booking=booking)
        staff.get(path)
        with CaptureQueriesContext(connection) as queries:
            began = time.process_time()
            response = staff.get(path)
            spent = time.process_time() - began

        assert response.status_code == 200, name
        slow = "\n".join(query["sql"][:200] for query in queries)
        assert len(queries) <= most, f"{name}: {len(queries)}\n{slow}"
        print(f"{name}: {len(queries)} queries, {spent * 1000:.0f} ms of CPU")


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("q=user-2799", "booking_by_start_of_user"),
        ("q=27000", "booking_by_start_of_user"),
        ("event__id__exact=7", "bookings_booking_pkey"),
        ("event__id__exact=7&status__exact=waitlisted", "booking_one_place_in_line_per_event"),
        ("p=2", "booking_id "),
    ],
)
def test_lists_and_searches_use_an_index(staff: Client, query: str, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    with CaptureQueriesContext(connection) as queries:
        staff.get(f"{LIST}?{query}")

    if query == "q=27000":  # joins three searches, and may join so few rows in any way
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    reads = [each["sql"] for each in queries if '"bookings_booking"."user_id",' in each["sql"]]
    plan = plan_of(reads[-1])
    assert index in plan, plan
    assert "Seq Scan on bookings_booking" not in plan, plan


def rows_of(content: bytes) -> list[list[str]]:
    text = content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def exported(client: Client, path: str) -> bytes:
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")
    content: Iterator[bytes] = response.streaming_content  # type: ignore[assignment]
    return b"".join(content)


@pytest.mark.usefixtures("many")
def test_a_file_has_every_row_in_the_order_of_ids(staff: Client) -> None:
    began = time.process_time()
    _, *rows = rows_of(exported(staff, f"{LIST}export.csv"))
    print(f"csv: {time.process_time() - began:.2f} s")
    began = time.process_time()
    workbook = exported(staff, f"{LIST}export.xlsx")
    print(f"xlsx: {time.process_time() - began:.2f} s")

    ids = [int(row[0]) for row in rows]
    assert len(ids) == BOOKINGS
    assert ids == sorted(ids)
    assert len(sheet_of(workbook)) == BOOKINGS + 1


@pytest.mark.usefixtures("many")
def test_each_part_of_a_file_is_read_by_an_index(staff: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        _, *rows = rows_of(exported(staff, f"{LIST}export.csv?event__id__exact=7"))

    assert {row[1] for row in rows} == {"7"}
    [*reads] = [each["sql"] for each in queries if f" LIMIT {CHUNK}" in each["sql"]]
    assert len(reads) == 2
    assert "Seq Scan on bookings_booking" not in plan_of(reads[0])


def sheet_of(workbook: bytes) -> list[list[str]]:
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    assert sheet.find(f".//{name}f") is None, "a formula"
    return [
        ["".join(cell.itertext()) for cell in row.findall(f"{name}c")]
        for row in sheet.iter(f"{name}row")
    ]


HOSTILE = ["=1+1", "+66 81", "-5", "@SUM(A1)", "\t=1", 'ไทย, "quoted"\nline']


def test_no_cell_is_a_formula_and_thai_is_kept(staff: Client) -> None:
    event = EventFactory(name="=cmd|'/c calc'!A0", max_seats=3, time_zone="Asia/Tokyo")
    booked(event, ["+ann", "สมชาย"])
    Booking.objects.update(created_at=now().replace(year=2026, month=2, day=20, hour=10))
    contact_remember(user_id="สมชาย", name="@สมชาย ใจดี", language="th")

    header, *rows = rows_of(exported(staff, f"{LIST}export.csv"))
    sheet = sheet_of(exported(staff, f"{LIST}export.xlsx"))

    assert header[:4] == ["Booking", "Event number", "Event", "User id"]
    assert rows[0][2] == "'=cmd|'/c calc'!A0"
    assert [row[3] for row in rows] == ["'+ann", "สมชาย"]
    assert rows[1][4] == "'@สมชาย ใจดี"
    assert re.match(r"2026-02-20 19:\d\d:\d\d", rows[0][7])
    assert rows[0][9] == "Asia/Tokyo"
    assert "@สมชาย ใจดี" in sheet[2]
    assert [harmless(text) for text in HOSTILE[:5]] == [f"'{text}" for text in HOSTILE[:5]]
    assert harmless(HOSTILE[5]) == HOSTILE[5]


def test_the_file_has_what_the_list_shows(staff: Client) -> None:
    event = EventFactory(max_seats=1)
    booked(event, ["ann", "ben"])
    booked(EventFactory(), ["cat"])

    for query, found in (
        ("?status__exact=waitlisted", ["ben"]),
        ("?q=a", ["ann"]),
        (f"?event__id__exact={event.pk}", ["ann", "ben"]),
    ):
        _, *rows = rows_of(exported(staff, f"{LIST}export.csv{query}"))
        assert [row[3] for row in rows] == found
