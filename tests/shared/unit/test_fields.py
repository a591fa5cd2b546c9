"""Serializer fields that accept a JSON value as it is, or refuse it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field

from shared.formats.fields import InstantField, MoneyField, TextField, WholeNumberField

NOT_JSON_NUMBERS: list[Any] = ["5", "", "\u0665", True, False, None, [], [5], {}, {"a": 5}]


def take(field: Field, value: Any) -> Any:  # type: ignore[type-arg]
    return field.run_validation(value)


def refuse(field: Field, value: Any) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValidationError):
        field.run_validation(value)


def whole() -> WholeNumberField:
    return WholeNumberField(min_value=-5, max_value=100)


def money() -> MoneyField:
    return MoneyField(max_digits=12, decimal_places=2)


@pytest.mark.parametrize(
    ("given_value", "found"),
    [(5, 5), (-5, -5), (Decimal("5.0"), 5), (Decimal("5E+1"), 50), (Decimal("-0.0"), 0)],
)
def test_a_whole_number_is_accepted_however_it_is_written(given_value: Any, found: int) -> None:
    taken = take(whole(), given_value)

    assert taken == found
    assert type(taken) is int


@pytest.mark.parametrize("value", [*NOT_JSON_NUMBERS, Decimal("5.5"), Decimal("1E-9"), 101, -6])
def test_anything_but_a_whole_number_in_range_is_refused(value: Any) -> None:
    refuse(whole(), value)


@pytest.mark.parametrize("value", ["0", "2500.50", "0.01", "-1", "9999999999.99", "2.5E+3"])
def test_money_is_read_exactly(value: str) -> None:
    assert take(money(), Decimal(value)) == Decimal(value)


@pytest.mark.parametrize(
    "value", [*NOT_JSON_NUMBERS, Decimal("0.001"), Decimal("10000000000"), Decimal("1E+400")]
)
def test_anything_but_a_price_is_refused(value: Any) -> None:
    refuse(money(), value)


@pytest.mark.parametrize(
    "text", ["a", " a ", "ไทย", "e\u0301", "👩‍👩‍👧", "a\u200bb", "x" * 20, "0"]
)
def test_a_text_with_something_visible_is_accepted(text: str) -> None:
    assert take(TextField(max_length=20), text) == text.strip()


@pytest.mark.parametrize(
    "value",
    ["", " ", "\t", "\u200b", "\u200b \u2060", "\ufeff", "\u00a0", "\u3000", "\u202e", "\ue000"],
)
def test_a_text_without_anything_visible_is_refused(value: str) -> None:
    refuse(TextField(), value)


@pytest.mark.parametrize(
    "value", [5, True, None, ["a"], {}, Decimal(1), "a\0", "a\nb", "a\x7f", "a\ud800"]
)
def test_anything_but_one_line_of_text_is_refused(value: Any) -> None:
    refuse(TextField(), value)


@given(st.text(max_size=30))
def test_an_accepted_text_can_be_stored(text: str) -> None:
    try:
        taken = take(TextField(), text)
    except ValidationError:
        return
    assert taken.strip()
    assert "\0" not in taken
    assert taken.encode()


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_a_time_with_an_offset_is_that_moment(moment: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    taken = take(InstantField(), f"{moment.isoformat()}{offset}")

    assert taken == moment.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    assert taken.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-20T17:00:00",
        "2026-02-20",
        "2026-02-20T17:00Z",
        "2026-02-20T17:00:00+07",
        "2026-02-20T17:00:00+0700",
        "2026-02-20T17:00:00,5Z",
        "2026-02-20T17:00:60Z",
        "2026-02-30T17:00:00Z",
        "2025-02-29T17:00:00Z",
        "2026-13-01T17:00:00Z",
        "2026-W08-5T17:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "2026-02-20T17:00:00Z\n",
        " 2026-02-20T17:00:00Z",
        "٢٠٢٦-02-20T17:00:00Z",
        "now",
        "",
        1771581600,
        True,
        None,
        [],
    ],
)
def test_anything_but_a_moment_is_refused(value: Any) -> None:
    refuse(InstantField(), value)


@given(st.text(alphabet="0123456789-:TZtz+.", max_size=35))
def test_any_text_is_a_moment_or_is_refused(text: str) -> None:
    try:
        taken = take(InstantField(), text)
    except ValidationError:
        return
    assert taken.tzinfo is UTC
