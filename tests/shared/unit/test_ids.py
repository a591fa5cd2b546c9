"""Ids in paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.ids import LARGEST_ID, parse_id
from shared.api.problems import InvalidInput


@given(st.integers(1, LARGEST_ID))
def test_every_number_of_the_column_is_itself(number: int) -> None:
    assert parse_id(str(number), what="event") == number


@pytest.mark.parametrize("digits", [20, 100, 5000])
def test_a_number_beyond_the_column_has_no_row_however_long_it_is(digits: int) -> None:
    assert parse_id("1" * digits, what="event") == LARGEST_ID


@pytest.mark.parametrize("text", [str(LARGEST_ID), str(LARGEST_ID + 1), "9" * 19, "1" + "0" * 19])
def test_at_the_end_of_the_column_nothing_overflows(text: str) -> None:
    assert parse_id(text, what="event") == LARGEST_ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "+1",
        "01",
        " 1",
        "1 ",
        "1\n",
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        "abc",
        "\u0661",
        "1\0",
    ],
)
def test_anything_else_is_refused_by_the_name_of_the_thing(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_id(text, what="booking")

    assert str(refusal.value.detail) == "invalid booking id"
    assert refusal.value.get_codes() == "invalid_booking_id"
    assert refusal.value.status_code == 400


@given(st.text())
def test_any_text_is_an_id_or_is_refused(text: str) -> None:
    try:
        number = parse_id(text, what="event")
    except InvalidInput:
        return
    assert 1 <= number <= LARGEST_ID
    assert text.isascii()
    assert text.isdigit()
