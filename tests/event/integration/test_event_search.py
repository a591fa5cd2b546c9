"""`?name=` finds any part of a name, and reads few events for it."""

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import RequestFactory

from event_project.events.models import Event
from event_project.events.selectors import event_list
from tests.support.event.factories import EventFactory

pytestmark = pytest.mark.django_db

MANY = 3000
PAGE = 101
NAMES = [
    "a",
    "Ab",
    "Golang Workshop Bangkok",
    "golang WORKSHOP",
    "งานสัมมนา ที่กรุงเทพ",
    "Straße",
    "STRASSE",
    "İstanbul",
    "ΣΊΣΥΦΟΣ",
    "100% off",
    "under_score",
    r"back\slash",
    "quotes ' and \"",
    "rock 🎸 night",
    "{braces} & (brackets)",
    "aaa aaa",
]


@pytest.fixture
def many_events() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO events_event (name, max_seats, waitlist_limit, price, booking_start_at,
                                      booking_end_at, created_at, updated_at, version)
            SELECT 'Workshop ' || md5(number::text), 5, 0, 0, now(), now() + interval '1 hour',
                   now(), now(), 1
              FROM generate_series(1, %s) AS number
            """,
            [MANY],
        )
        cursor.execute("ANALYZE events_event")


def plan(pattern: str) -> str:
    return event_list(name=pattern).order_by("pk")[:PAGE].explain()


def test_any_part_of_a_name_finds_it() -> None:
    for name in NAMES:
        EventFactory(name=name)
    parts = {
        part
        for name in NAMES
        for start in range(len(name))
        for size in (1, 2, 3, 4, 9, 50)
        for part in (name[start : start + size], name[start : start + size].swapcase())
    }
    for part in sorted(parts | {"zzzz", "%", "_", "%%%", "aaaa", "a a", "\\", "nothing like it"}):
        expected = set(Event.objects.filter(name__icontains=part).values_list("pk", flat=True))
        found = set(event_list(name=part).values_list("pk", flat=True))
        assert found == expected, part


@pytest.mark.parametrize(
    "pattern", ["z", "zz", "zzzz", "!!!", "%%%", "งาน", "workshop zzz", "z" * 255]
)
def test_a_rare_name_is_found_by_the_index(many_events: None, pattern: str) -> None:
    assert "event_name_ngrams" in plan(pattern)


@pytest.mark.parametrize("term", ["zzzz", "%%%", "17", " zz "])
def test_the_admin_search_uses_the_index_too(
    many_events: None, rf: RequestFactory, term: str
) -> None:
    admin = site.get_model_admin(Event)

    found, _ = admin.get_search_results(rf.get("/"), Event.objects.order_by("-pk"), term)

    assert "event_name_ngrams" in found[:PAGE].explain()


@pytest.mark.parametrize("pattern", ["a", "shop", "WORKSHOP"])
def test_a_common_name_is_found_by_reading_one_page(many_events: None, pattern: str) -> None:
    assert "event_name_ngrams" not in plan(pattern)
    assert "events_event_pkey" in plan(pattern)
    assert len(event_list(name=pattern)[:PAGE]) == PAGE
