"""JSON as the contract reads and writes it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.json import DEEPEST, dump_json, json_number, load_json

PRICES = st.decimals(min_value=0, max_value=Decimal("9999999999.99"), places=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("2500"), b"2500"),
        (Decimal("2500.00"), b"2500"),
        (Decimal("2500.50"), b"2500.5"),
        (Decimal("0.1"), b"0.1"),
        (Decimal("1E+3"), b"1000"),
        (datetime(2026, 2, 20, 17, tzinfo=UTC), b'"2026-02-20T17:00:00Z"'),
        (datetime(2026, 2, 20, 17, 0, 0, 5, tzinfo=UTC), b'"2026-02-20T17:00:00.000005Z"'),
        ("ไทย", '"ไทย"'.encode()),
        (gettext_lazy("lazy"), b'"lazy"'),
        ({"b": 1, "a": None}, b'{"b":1,"a":null}'),
    ],
)
def test_values_are_written_as_the_contract_says(value: Any, text: bytes) -> None:
    assert dump_json(value) == text


@given(PRICES)
def test_every_price_survives_being_written_and_read(price: Decimal) -> None:
    assert Decimal(load_json(dump_json({"price": price}))["price"]) == price


@given(PRICES)
def test_a_whole_price_is_an_integer_and_another_is_not(price: Decimal) -> None:
    assert isinstance(json_number(price), int) == (price == int(price))


@given(VALUES)
def test_what_is_json_is_read_as_any_other_decoder_reads_it(value: Any) -> None:
    text = json.dumps(value).encode()

    assert load_json(text) == json.loads(text)


def test_fractions_are_what_the_sender_typed() -> None:
    assert load_json(b"[0.1, 1.10, 1e3]") == [Decimal("0.1"), Decimal("1.10"), Decimal("1E+3")]
    assert all(isinstance(number, Decimal) for number in load_json(b"[0.1, 1.10, 1e3]"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", None),
        (b"{", None),
        (b"{} {}", None),
        (b"{'a': 1}", None),
        (b'{"a": 1,}', None),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'[{"b": {"a": 1, "a": 2}}]', "twice"),
        (b"NaN", "NaN is not"),
        (b"[Infinity]", "Infinity is not"),
        (b"[-Infinity]", "-Infinity is not"),
        (b'"\xff"', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "deeply"),
        (b'{"a":' * 100_000, "deeply"),
        (b'"a\x01b"', None),
        (b"\xef\xbb\xbf{}", None),
    ],
)
def test_what_a_lenient_decoder_would_reinterpret_is_refused(
    text: bytes, reason: str | None
) -> None:
    with pytest.raises(ValueError, match=reason):
        load_json(text)


def nested(levels: int) -> bytes:
    return (
        b'[{"]}\\"": ' * (levels // 2)
        + b"[" * (levels % 2)
        + b"1"
        + (b"]" * (levels % 2) + b"}]" * (levels // 2))
    )


@pytest.mark.parametrize("levels", [DEEPEST - 1, DEEPEST])
def test_what_is_as_deep_as_allowed_is_read(levels: int) -> None:
    assert load_json(nested(levels)) == json.loads(nested(levels))


@pytest.mark.parametrize("levels", [DEEPEST + 1, 300, 900])
def test_what_is_deeper_than_allowed_is_refused_by_every_python_alike(levels: int) -> None:
    with pytest.raises(ValueError, match="deeply"):
        load_json(nested(levels))


def test_brackets_beside_each_other_and_in_strings_are_not_deep() -> None:
    wide = b"[" + b"[],{}," * 500 + rb'"' + b"[{" * 500 + rb'\\", "\"[[["]'

    assert load_json(wide) == json.loads(wide)


@pytest.mark.parametrize("text", [b"[]," * 60 + b'\\"' * 200_000, b'"' + b"[" * 400_000])
def test_a_string_without_an_end_is_refused_in_linear_time(text: bytes) -> None:
    """If the search for strings restarted at each quote, the first would take minutes."""
    with pytest.raises(ValueError):  # noqa: PT011 (whose words depend on where it ends)
        load_json(text)
