from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from shared.times.templatetags.times import event_date, event_time, zone_name
from shared.times.texts import date_text, moment_text, period_text, zone_text

BANGKOK = ZoneInfo("Asia/Bangkok")
START = datetime(2026, 2, 20, 20, 30, tzinfo=UTC)  # the 21st in Bangkok


def in_both(text: Callable[[], str]) -> list[str]:
    found = []
    for language in ("en", "th"):
        with translation.override(language):
            found.append(text())
    return found


def test_thai_dates_have_buddhist_years() -> None:
    assert in_both(lambda: event_date(START, "Asia/Bangkok")) == [
        "Saturday 21 February 2026",
        "วันเสาร์ที่ 21 กุมภาพันธ์ 2569",
    ]
    assert in_both(lambda: event_time(START, "Asia/Bangkok")) == [
        "Sat 21 Feb 2026, 03:30",
        "ส. 21 ก.พ. 2569 03:30 น.",
    ]


def test_a_zone_is_called_by_its_city() -> None:
    assert in_both(lambda: zone_name("Asia/Bangkok")) == ["Bangkok time", "เวลาประเทศไทย"]
    assert in_both(lambda: zone_name("America/New_York")) == ["New York time", "เวลา New York"]
    assert zone_text(BANGKOK) == "Bangkok time"


def test_an_unknown_zone_counts_as_utc_and_no_time_as_nothing() -> None:
    assert event_time(START, "Mars/Olympus") == "Fri 20 Feb 2026, 20:30"
    assert (event_time(None), event_date(None)) == ("", "")


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0, "Sat 21 Feb 2026, 03:30"),
        (2, "Sat 21 Feb 2026, 03:30–05:30"),
        (24, "Sat 21 Feb 2026, 03:30 – Sun 22 Feb 2026, 03:30"),
    ],
)
def test_a_period_names_the_day_once_if_it_is_one(hours: int, text: str) -> None:
    end = START + timedelta(hours=hours)
    assert period_text(START, end, zone=BANGKOK) == text
    assert period_text(START, None, zone=BANGKOK) == "Sat 21 Feb 2026, 03:30"


def test_the_ends_of_the_calendar_are_shown() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    with translation.override("th"):
        assert moment_text(last, zone=BANGKOK).endswith("31 ธ.ค. 10542 23:59 น.")
        assert date_text(datetime.min.replace(tzinfo=UTC), zone=ZoneInfo("America/New_York"))
