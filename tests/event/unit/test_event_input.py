"""What `POST /api/v1/events` refuses. Nothing here reaches the database."""

import time
from typing import Any

import orjson
import pytest
from django.test import Client

from tests.support.event.http import VALID, assert_problem, post, valid, without

LARGEST = 2**31 - 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        pytest.param("name", "", "name is required", id="empty name"),
        pytest.param("name", "   ", "name is required", id="name of spaces"),
        pytest.param("name", "\u200b\u200d\ufeff", "name is required", id="name of zero widths"),
        pytest.param("name", "\u00a0\u3000", "name is required", id="name of exotic spaces"),
        pytest.param("name", "x" * 256, None, id="name of 256 characters"),
        pytest.param("name", "a\x00b", None, id="name with NUL"),
        pytest.param("name", "a\nb", None, id="name with a line break"),
        pytest.param("name", 5, None, id="name is a number"),
        pytest.param("name", True, None, id="name is a truth value"),
        pytest.param("name", None, None, id="name is null"),
        pytest.param("name", ["a"], None, id="name is a list"),
        pytest.param("max_seats", 0, "max_seats must be greater than 0", id="no seats"),
        pytest.param("max_seats", -1, "max_seats must be greater than 0", id="negative seats"),
        pytest.param("max_seats", LARGEST + 1, None, id="seats beyond the column"),
        pytest.param("max_seats", 10**30, None, id="seats beyond everything"),
        pytest.param("max_seats", "50", None, id="seats as text"),
        pytest.param("max_seats", "\u0665", None, id="seats as text in Arabic digits"),
        pytest.param("max_seats", "1_0", None, id="seats as text with an underscore"),
        pytest.param("max_seats", True, None, id="seats is a truth value"),
        pytest.param("max_seats", 5.5, None, id="half a seat"),
        pytest.param("max_seats", None, None, id="seats is null"),
        pytest.param("max_seats", [50], None, id="seats is a list"),
        pytest.param(
            "waitlist_limit", -1, "waitlist_limit must not be negative", id="negative waitlist"
        ),
        pytest.param("waitlist_limit", LARGEST + 1, None, id="waitlist beyond the column"),
        pytest.param("waitlist_limit", False, None, id="waitlist is a truth value"),
        pytest.param("waitlist_limit", None, None, id="waitlist is null"),
        pytest.param("price", -1, "price must not be negative", id="negative price"),
        pytest.param("price", -0.01, "price must not be negative", id="a cent below nothing"),
        pytest.param("price", 2500.505, None, id="price with three decimals"),
        pytest.param("price", 10**10, None, id="price beyond the column"),
        pytest.param("price", "2500", None, id="price as text"),
        pytest.param("price", True, None, id="price is a truth value"),
        pytest.param("price", None, None, id="price is null"),
        pytest.param("booking_start_at", "2026-02-20T17:00:00", None, id="time without offset"),
        pytest.param("booking_start_at", "2026-02-20", None, id="date without time"),
        pytest.param("booking_start_at", "2026-02-20 17:00:00Z", None, id="time with a space"),
        pytest.param("booking_start_at", "20260220T170000Z", None, id="basic format"),
        pytest.param("booking_start_at", "2026-02-29T17:00:00Z", None, id="no leap year"),
        pytest.param("booking_start_at", "2026-02-20T24:00:00Z", None, id="hour 24"),
        pytest.param("booking_start_at", "2026-02-20T17:00:00+24:00", None, id="offset of a day"),
        pytest.param("booking_start_at", "0001-01-01T00:00:00+07:00", None, id="before year 1"),
        pytest.param("booking_start_at", "٢٠٢٦-02-20T17:00:00Z", None, id="year in Arabic digits"),
        pytest.param("booking_start_at", 1771581600, None, id="time as a number"),
        pytest.param("booking_start_at", None, None, id="time is null"),
        pytest.param("booking_end_at", "", None, id="empty time"),
        pytest.param("booking_end_at", "tomorrow", None, id="time in words"),
        pytest.param("description", "", None, id="empty description"),
        pytest.param("description", " \n\t ", None, id="description of white space"),
        pytest.param("description", "x" * 10_001, None, id="description of 10,001 characters"),
        pytest.param("description", "a\x00b", None, id="description with NUL"),
        pytest.param("description", "a\x1b[31mb", None, id="description with an escape character"),
        pytest.param("description", "a\x0bb", None, id="description with a vertical tab"),
        pytest.param("description", "a\x85b", None, id="description with a C1 control character"),
        pytest.param("description", 5, None, id="description is a number"),
        pytest.param("description", ["a"], None, id="description is a list"),
        pytest.param("venue", "", None, id="empty venue"),
        pytest.param("venue", "x" * 256, None, id="venue of 256 characters"),
        pytest.param("venue", "a\nb", None, id="venue with a line break"),
        pytest.param("venue", {"city": "Bangkok"}, None, id="venue is an object"),
        pytest.param("starts_at", "2026-03-07T09:00:00", None, id="start without offset"),
        pytest.param("starts_at", "", None, id="empty start"),
        pytest.param("ends_at", 1771581600, None, id="end as a number"),
        pytest.param("time_zone", None, None, id="zone is null"),
        pytest.param("time_zone", "", None, id="empty zone"),
        *(
            pytest.param(
                "time_zone",
                zone,
                "time_zone: must be the name of an IANA time zone, like Asia/Bangkok",
                id=f"zone {zone}",
            )
            for zone in (
                "Asia/Bangkokk",
                "asia/bangkok",
                "+07:00",
                "../UTC",
                "Factory",
            )
        ),
        pytest.param("time_zone", 7, None, id="zone is a number"),
        pytest.param("currency", None, None, id="currency is null"),
        *(
            pytest.param(
                "currency",
                code,
                "currency: must be a code of ISO 4217, like THB",
                id=f"currency {code}",
            )
            for code in ("thb", "THBB", "TH", "฿", "AAA", "764", "DEM")
        ),
        pytest.param("currency", 764, None, id="currency is a number"),
    ],
)
def test_a_bad_value_is_refused_and_its_field_named(
    client: Client, field: str, value: Any, message: str | None
) -> None:
    response = post(client, valid(**{field: value}))

    problem = assert_problem(response, 400, code="invalid_input", message=message)
    assert list(problem["errors"]) == [field]
    assert all(isinstance(text, str) for text in problem["errors"][field])
    assert field in problem["message"]


@pytest.mark.parametrize("field", ["name", "max_seats", "booking_start_at", "booking_end_at"])
def test_a_missing_field_is_refused_and_named(client: Client, field: str) -> None:
    problem = assert_problem(post(client, without(field)), 400, code="invalid_input")

    assert list(problem["errors"]) == [field]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(VALID["booking_start_at"], id="the same text"),
        pytest.param("2026-02-20T10:00:00Z", id="the same moment in another zone"),
        pytest.param("2026-02-20T16:59:59.999999+07:00", id="a moment earlier"),
        pytest.param("2026-02-20T18:00:00+09:00", id="later by the wall clock, earlier in truth"),
    ],
)
def test_an_end_that_is_not_after_the_start_is_refused(client: Client, end: str) -> None:
    response = post(client, valid(booking_end_at=end))

    message = "booking_end_at must be after booking_start_at"
    assert_problem(response, 400, code="invalid_input", message=message)


def test_all_bad_fields_are_named_at_once(client: Client) -> None:
    response = post(client, valid(name="", max_seats=0, price=-1))

    problem = assert_problem(response, 400, code="invalid_input")
    assert problem["errors"] == {
        "name": ["name is required"],
        "max_seats": ["max_seats must be greater than 0"],
        "price": ["price must not be negative"],
    }
    assert problem["message"] == (
        "name is required; max_seats must be greater than 0; price must not be negative"
    )


def raw(**changes: bytes) -> bytes:
    """A valid body with some values replaced by raw JSON, valid or not."""
    members = {name: orjson.dumps(value) for name, value in VALID.items()} | changes
    return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in members.items()) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b'{"name":"a","name":"b"}', id="a duplicate key"),
        pytest.param(raw(price=b"NaN"), id="NaN"),
        pytest.param(raw(price=b"Infinity"), id="Infinity"),
        pytest.param(raw(price=b"-Infinity"), id="minus Infinity"),
        pytest.param(raw(max_seats=b"050"), id="a leading zero"),
        pytest.param(raw(max_seats="\u0665".encode()), id="Arabic digits"),
        pytest.param(raw(max_seats=b"9" * 5000), id="a number of 5,000 digits"),
        pytest.param(raw(max_seats=b"5e-1"), id="half a seat as an exponent"),
        pytest.param(raw(price=b"1e400"), id="a price beyond floats"),
        pytest.param(raw(name=b'"\\ud800"'), id="half a surrogate pair"),
        pytest.param(b"[" * 1000 + b"]" * 1000, id="1,000 lists deep"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="10,000 objects deep"),
    ],
)
def test_a_body_that_is_not_strict_json_is_a_problem_and_not_a_crash(
    client: Client, body: bytes
) -> None:
    problem = assert_problem(post(client, body), 400)

    assert "sys." not in problem["message"]
    assert "Traceback" not in problem["message"]


@pytest.mark.parametrize("field", [b"max_seats", b"price"])
def test_a_number_with_a_huge_exponent_is_refused_at_once(client: Client, field: bytes) -> None:
    """Written out, this number takes half a minute, and one of a few more digits all memory."""
    body = raw(**{field.decode(): b"1e1000000"})

    began = time.process_time()
    problem = assert_problem(post(client, body), 400, code="invalid_input")

    assert time.process_time() - began < 5
    assert list(problem["errors"]) == [field.decode()]
    assert len(problem["message"]) < 300


def test_a_duplicate_key_is_named_as_the_reason(client: Client) -> None:
    problem = assert_problem(post(client, raw()[:-1] + b',"name":"other"}'), 400)

    assert "twice" in problem["message"]
