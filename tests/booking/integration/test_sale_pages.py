"""The live page of a sale and its documents."""

import gzip
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking_project.bookings.models import Event
from booking_project.bookings.storage import sharing
from booking_project.sales import selectors, sql
from booking_project.sales.models import SaleSecond
from booking_project.sales.selectors import LATEST_COUNT, PAGE_COUNT, POINTS
from tests.support.booking.factories import EventFactory
from tests.support.booking.on_a_cluster import on_one_server
from tests.support.booking.plans import rows_read

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EPOCH = int(START.timestamp())


@pytest.fixture(autouse=True)
def _nothing_shared_yet() -> Iterator[None]:
    yield
    for cached in (selectors._lives, selectors._pages, selectors._overviews, selectors.pace):
        cached.cache_clear()


CLIENT = Client(raise_request_exception=False)


def forget() -> None:
    """As if the shared answers were too old."""
    for cached in (selectors._lives, selectors._pages, selectors._overviews):
        cached.cache_clear()


def recorded(event: Event, count: int, *, apart: float = 1) -> None:
    """Seconds in each of which one seat was taken and one user was refused."""
    SaleSecond.objects.bulk_create(
        SaleSecond(
            event_id=event.pk,
            at=START + timedelta(seconds=number * apart),
            max_seats=event.max_seats,
            seats_taken=number + 1,
            waiting=0,
            confirmed=number + 1,
            fully_booked=number + 1,
        )
        for number in range(count)
    )


def get(path: str, **query: object) -> Any:
    return CLIENT.get(path, query)


def live(event: Event, **query: object) -> Any:
    response = get(f"/events/{event.pk}/live.json", **query)
    assert response.status_code == 200, response.content
    return response.json()


class TestLive:
    def test_shows_the_event_and_its_latest_seconds(self) -> None:
        event = EventFactory(max_seats=300, confirmed_count=200, waitlisted_count=3)
        recorded(event, 200)

        answer = live(event)

        assert answer["state"] == "sold_out"
        assert (answer["max_seats"], answer["seats_taken"], answer["waiting"]) == (300, 200, 3)
        assert answer["every"] == 1
        assert abs(answer["now"] - datetime.now(UTC).timestamp()) < 60
        assert len(answer["seconds"]) == LATEST_COUNT
        assert answer["seconds"][-1] == [
            *(EPOCH + 199, 300, 200, 0, 200, 0, 0, 0, 200, 0, 0, 0, 0),
        ]

    def test_leaves_out_what_the_viewer_has(self) -> None:
        event = EventFactory()
        recorded(event, 10)

        assert [row[0] for row in live(event, since=EPOCH + 7)["seconds"]] == [
            *(EPOCH + 8, EPOCH + 9)
        ]
        assert live(event, since=EPOCH + 9)["seconds"] == []
        assert len(live(event, since=EPOCH - 1)["seconds"]) == 10
        assert live(event, since=9_999_999_999)["seconds"] == []

    @pytest.mark.parametrize(
        ("traits", "state"),
        [
            ({"not_started": True}, "upcoming"),
            ({}, "open"),
            ({"confirmed_count": 50}, "sold_out"),
            ({"over": True}, "closed"),
            ({"cancelled_at": START}, "cancelled"),
        ],
    )
    def test_says_how_the_sale_stands(self, traits: dict[str, Any], state: str) -> None:
        event = EventFactory(**traits)

        assert live(event)["state"] == state
        assert f'data-state="{state}">' in get(f"/events/{event.pk}/live").content.decode()

    def test_may_be_kept_by_caches_for_a_second(self) -> None:
        event = EventFactory()

        response = get(f"/events/{event.pk}/live.json")

        assert response["Cache-Control"] == "public, max-age=1"
        assert not response.cookies

    def test_hundreds_of_viewers_in_a_second_are_one_query(self) -> None:
        event = EventFactory()
        recorded(event, 130)
        counted = []

        def count(execute: Any, statement: str, *arguments: Any) -> Any:
            counted.append(statement)
            return execute(statement, *arguments)

        def look(number: int) -> None:
            with connection.execute_wrapper(count):
                live(event, since=EPOCH + number % 130)
            connection.close()

        selectors._lives()._seconds = 3600
        with ThreadPoolExecutor(max_workers=16) as threads:
            list(threads.map(look, range(300)))

        assert len([each for each in counted if "bookings_event" in each]) == 1
        assert len(selectors.live(event_id=event.pk)._encoded) <= LATEST_COUNT + 1

    def test_is_read_again_once_it_is_old(self) -> None:
        event = EventFactory()
        assert live(event)["seats_taken"] == 0
        Event.objects.filter(pk=event.pk).update(confirmed_count=1)

        assert live(event)["seats_taken"] in (0, 1)
        forget()
        assert live(event)["seats_taken"] == 1

    @on_one_server
    def test_reads_only_the_latest_by_the_index(self) -> None:
        event = EventFactory()
        recorded(event, 5000)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE sales_salesecond")

        assert rows_read(sql._LATEST % (event.pk, LATEST_COUNT)) == LATEST_COUNT
        assert rows_read(sql._AFTER % (event.pk, EPOCH, PAGE_COUNT)) == PAGE_COUNT


class TestWholeSale:
    def test_comes_in_pages(self) -> None:
        event = EventFactory()
        recorded(event, PAGE_COUNT + 5)
        path = f"/events/{event.pk}/sale.json"

        first = get(path)
        rest = get(path, since=first.json()["seconds"][-1][0])

        assert [row[0] for row in first.json()["seconds"]] == list(range(EPOCH, EPOCH + PAGE_COUNT))
        assert first.json()["more"] is True
        assert first["Cache-Control"] == "public, max-age=3600"
        assert len(rest.json()["seconds"]) == 5
        assert rest.json()["more"] is False
        assert rest["Cache-Control"] == "public, max-age=1"

    def test_is_compressed(self) -> None:
        event = EventFactory()
        recorded(event, 300)

        response = Client().get(
            f"/events/{event.pk}/sale.json", headers={"Accept-Encoding": "gzip"}
        )

        assert response["Content-Encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(response.content))["seconds"]) == 300
        assert len(response.content) < 5000

    def test_nothing_recorded_is_no_error(self) -> None:
        event = EventFactory()

        assert get(f"/events/{event.pk}/sale.json").json() == {"seconds": [], "more": False}


class TestPage:
    def test_shows_the_sale_without_a_script(self) -> None:
        event = EventFactory(name="<b>Jazz</b>", max_seats=300, confirmed_count=200)
        recorded(event, 200)

        page = get(f"/events/{event.pk}/live").content.decode()

        assert "&lt;b&gt;Jazz&lt;/b&gt;" in page
        assert '<strong id="seats_taken">200</strong>' in page
        assert '<span id="max_seats">300</span>' in page
        assert '<noscript><meta http-equiv="refresh" content="5">' in page
        assert "<svg" in page
        assert "<td>200 / 300</td>" in page
        assert page.count("<tr>") <= 1 + 20

    def test_a_long_sale_is_drawn_with_few_points(self) -> None:
        event = EventFactory(max_seats=10_000)
        recorded(event, 5000, apart=60)

        seconds = selectors.sale_overview(event_id=event.pk)
        page = get(f"/events/{event.pk}/live").content

        assert POINTS / 2 < len(seconds) <= POINTS
        assert (seconds[0].seats_taken, seconds[-1].seats_taken) == (1, 5000)
        assert len(page) < 30_000

    def test_one_second_is_a_sale(self) -> None:
        event = EventFactory()
        recorded(event, 1)

        assert "<svg" in get(f"/events/{event.pk}/live").content.decode()

    def test_nothing_recorded_is_said_calmly(self) -> None:
        page = get(f"/events/{EventFactory().pk}/live").content.decode()

        assert "No one has booked yet" in page
        assert "<svg" not in page
        assert '<details id="table" hidden>' in page

    def test_has_no_inline_script_or_style(self) -> None:
        event = EventFactory()
        recorded(event, 3)

        response = get(f"/events/{event.pk}/live")

        page = response.content.decode()
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", page)

    def test_is_linked_from_the_events_page(self) -> None:
        event = EventFactory()

        page = get(f"/events/{event.pk}").content.decode()

        assert f'<a href="/events/{event.pk}/live">Watch the sale live</a>' in page

    def test_takes_two_queries(self) -> None:
        event = EventFactory()
        recorded(event, 300)

        with CaptureQueriesContext(connection) as queries:
            get(f"/events/{event.pk}/live")

        assert len(queries) == 2


DOCUMENTS = ["live", "live.json", "sale.json"]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize(
    "event_id", ["0", "999", "abc", "-1", "1e3", "%00", "๑", "9223372036854775808", "9" * 400]
)
def test_an_event_that_does_not_exist_is_404(document: str, event_id: str) -> None:
    assert get(f"/events/{event_id}/{document}").status_code == 404


@pytest.mark.parametrize("document", DOCUMENTS[1:])
@pytest.mark.parametrize(
    "since", ["", "abc", "-1", "1.5", "1e9", "๑๒", "99999999999", "%00", "' OR 1=1", "9" * 5000]
)
def test_a_moment_that_is_none_is_400(document: str, since: str) -> None:
    event = EventFactory()

    response = get(f"/events/{event.pk}/{document}", since=since)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_since"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_only_reads_are_allowed(document: str) -> None:
    event = EventFactory()

    assert Client().post(f"/events/{event.pk}/{document}").status_code == 405
    assert Client().head(f"/events/{event.pk}/{document}").status_code == 200


def test_many_events_are_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_KEPT", 5)

    for event in EventFactory.create_batch(8):
        live(event)

    assert len(selectors._lives()._kept) == 5
