"""Hostile input, as raw bytes to real gunicorn: the table of docs/reliability.md."""

import gzip
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tests.support.end_to_end.clients import EVENTS, Sale, assert_problem, event_input
from tests.support.end_to_end.raw_http import (
    JSON,
    Answer,
    connected,
    everything,
    exchange,
    parsed,
    request,
    until_closed,
)
from tests.support.end_to_end.system import System

LIST = EVENTS.encode()


@pytest.fixture(params=["event", "booking"])
def url(request: pytest.FixtureRequest, system: System) -> str:
    return system.event_url if request.param == "event" else system.booking_url


def body(**changes: Any) -> bytes:
    return json.dumps(event_input(**changes)).encode()


def body_with(member: bytes) -> bytes:
    """A valid body that ends with `member`, which is raw JSON."""
    return body()[:-1] + b", " + member + b"}"


@dataclass(frozen=True)
class Target:
    """A URL that accepts JSON, and a body that it accepts."""

    url: str
    path: bytes
    good: bytes

    def post(self, headers: Sequence[bytes], content: bytes, **options: Any) -> Answer:
        return exchange(self.url, request(b"POST", self.path, headers, content), **options)


@pytest.fixture(params=["event", "booking"])
def target(request: pytest.FixtureRequest, system: System, sale: Sale) -> Target:
    if request.param == "event":
        return Target(system.event_url, LIST, body())
    path = f"{EVENTS}/{sale.create_event()}/bookings"
    return Target(system.booking_url, path.encode(), b'{"user_id": "ann"}')


def in_chunks(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)


def refused(answer: Answer, status: int, code: str | None = None) -> None:
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["status"] == status
    assert problem["message"] == problem["detail"] != ""
    if code is not None:
        assert problem["code"] == code


NOT_HTTP = {
    "no request line": b"HELLO\r\n\r\n",
    "an empty method": b" / HTTP/1.1\r\n\r\n",
    "a method in small letters": b"get /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that isn't": b"GET /health HTTP/3.7\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20) + b"\r\n",
    "lines that end with LF": b"GET /health HTTP/1.1\nHost: localhost\n\n",
    "NUL in the path": request(b"GET", LIST + b"/1\0"),
    "UTF-8 in the path": request(b"GET", LIST + "/é".encode()),
    "a blank in the path": request(b"GET", LIST + b"/1 2"),
    "a broken absolute address": request(b"GET", b"http://[::1/health"),
    "a header without a colon": request(b"GET", LIST, [b"nonsense"]),
    "a header's name with a blank": request(b"GET", LIST, [b"X A: b"]),
    "a folded header": request(b"GET", LIST, [b"X-A: b\r\n c"]),
    "NUL in a header": request(b"GET", LIST, [b"X-A: b\0c"]),
    "two hosts": request(b"GET", LIST, [b"Host: evil.example"]),
    "two content types": request(b"POST", LIST, [JSON, b"Content-Type: text/plain"], b"{}"),
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
def test_input_that_is_not_http_gets_a_problem_too(url: str, sent: bytes) -> None:
    refused(exchange(url, sent), 400, "bad_request")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        pytest.param(
            request(b"GET", LIST, [b"X-A: " + b"a" * 65536]), 431, "headers_too_large", id="64 kB"
        ),
        pytest.param(
            request(b"GET", LIST, [b"X-%d: a" % number for number in range(200)]),
            431,
            "headers_too_large",
            id="200 headers",
        ),
        pytest.param(
            request(b"GET", LIST + b"/" + b"1" * 10_000), 414, "uri_too_long", id="a path of 10 kB"
        ),
        pytest.param(
            request(b"POST", LIST, [JSON, b"Expect: a miracle"], b"{}"),
            417,
            "expectation_failed",
            id="an unknown expectation",
        ),
        pytest.param(
            request(b"POST", LIST, [JSON, b"Transfer-Encoding: xchunked"], b"{}"),
            501,
            "not_implemented",
            id="an unknown transfer coding",
        ),
    ],
)
def test_what_gunicorn_refuses_is_a_problem_with_the_right_status(
    url: str, sent: bytes, status: int, code: str
) -> None:
    refused(exchange(url, sent), status, code)


HIDDEN = request(b"DELETE", b"/hidden")
SMUGGLED = {
    "length and chunks": [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
    "chunks and length": [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
    "two lengths": [b"Content-Length: 5", b"Content-Length: 50"],
    "the same length twice": [b"Content-Length: 5", b"Content-Length: 5"],
    "a list of lengths": [b"Content-Length: 5, 5"],
    "a negative length": [b"Content-Length: -1"],
    "a length with a sign": [b"Content-Length: +5"],
    "a length in Arabic digits": ["Content-Length: \u0665".encode()],
    "a length with an underscore": [b"Content-Length: 1_0"],
    "a length of 5,000 digits": [b"Content-Length: " + b"9" * 5000],
    "chunked twice": [b"Transfer-Encoding: chunked, chunked"],
    "not chunked at last": [b"Transfer-Encoding: gzip"],
    "a blank before the colon": [b"Transfer-Encoding : chunked"],
}


@pytest.mark.parametrize("headers", SMUGGLED.values(), ids=SMUGGLED)
def test_a_body_of_uncertain_length_ends_the_connection(url: str, headers: list[bytes]) -> None:
    sent = request(b"POST", LIST, [JSON, *headers], in_chunks(b"{}") + HIDDEN)

    answers = everything(url, sent.replace(b"Connection: close\r\n", b"", 1))

    refused(parsed(answers), 400, "bad_request")
    assert answers.count(b"HTTP/1.1 ") == 1, "what is behind it is not taken for a request"


CHUNKED = [JSON, b"Transfer-Encoding: chunked"]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(b"zz\r\nab\r\n0\r\n\r\n", id="no number"),
        pytest.param(b"0x2\r\n{}\r\n0\r\n\r\n", id="0x"),
        pytest.param(b"-2\r\n{}\r\n0\r\n\r\n", id="negative"),
        pytest.param(b"0_2\r\n{}\r\n0\r\n\r\n", id="underscore"),
        pytest.param(b"2\r\n{}XX0\r\n\r\n", id="longer than it says"),
    ],
)
def test_broken_chunks_are_400(target: Target, chunks: bytes) -> None:
    refused(target.post(CHUNKED, chunks), 400, "bad_request")


def test_a_body_in_chunks_counts_like_any_other(target: Target) -> None:
    assert target.post(CHUNKED, in_chunks(target.good)).status == 201
    refused(target.post(CHUNKED, in_chunks(b" " * 300_000 + target.good)), 413, "body_too_large")


def test_a_body_that_ends_early_is_refused(target: Target) -> None:
    announced = [JSON, b"Content-Length: 500"]

    refused(target.post(announced, target.good, nothing_follows=True), 400, "parse_error")
    cut = request(b"POST", target.path, CHUNKED, b"%x\r\n%s" % (500, target.good))
    assert everything(target.url, cut, nothing_follows=True) == b"", "nobody is there to answer"


@pytest.mark.parametrize("headers", [[], [b"Content-Length: 999999999999"]])
def test_ten_megabytes_are_413_before_they_have_arrived(
    target: Target, headers: list[bytes]
) -> None:
    content = b'"' + b"x" * 10_000_000 + b'"'

    refused(target.post([JSON, *headers], content), 413, "body_too_large")


@pytest.mark.parametrize(
    ("headers", "recode"),
    [
        pytest.param([], bytes, id="no content type"),
        pytest.param([b"Content-Type: ;;;"], bytes, id="nonsense"),
        pytest.param([b"Content-Type: application/json, text/plain"], bytes, id="two in one"),
        pytest.param([b"Content-Type: text/plain"], bytes, id="text"),
        pytest.param([b"Content-Type: application/x-www-form-urlencoded"], bytes, id="a form"),
        pytest.param([b"Content-Type: application/merge-patch+json"], bytes, id="other JSON"),
        pytest.param([JSON + b"; a*=nonsense''x"], bytes, id="a parameter in no charset"),
        pytest.param([JSON + b"; charset=utf-7"], bytes, id="another charset"),
        pytest.param([JSON + b"; charset=\xff"], bytes, id="no charset"),
        pytest.param(
            [JSON + b"; charset=utf-16"], lambda good: good.decode().encode("utf-16"), id="UTF-16"
        ),
        pytest.param([JSON, b"Content-Encoding: gzip"], gzip.compress, id="compressed"),
        pytest.param([JSON, b"Content-Encoding: gzip"], bytes, id="said to be compressed"),
    ],
)
def test_a_body_of_another_content_type_is_415(
    target: Target, headers: list[bytes], recode: Any
) -> None:
    refused(target.post(headers, recode(target.good)), 415, "unsupported_media_type")


@pytest.mark.parametrize("charset", [b"utf-8", b"UTF-8", b'"utf-8"', b"us-ascii"])
def test_a_body_that_is_declared_as_utf_8_is_accepted(target: Target, charset: bytes) -> None:
    assert target.post([JSON + b"; charset=" + charset], target.good).status == 201


BROKEN = {
    "nothing": b" ",
    "a BOM": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "Latin-1": '{"name": "é", "user_id": "é"}'.encode("latin-1"),
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "an overlong NUL": b'{"name": "\xc0\x80"}',
    "NUL at the end": b"{}\0",
    "NUL in a text": b'{"name": "a\0b"}',
    "two documents": b"{}{}",
    "half a document": b'{"name": "a',
    "a comment": b"/* a */{}",
    "a comma too many": b'{"name": "a",}',
    "single quotes": b"{'name': 1}",
    "1,000 levels": b"[" * 1000 + b"]" * 1000,
    "5,000 objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a key twice": b'{"name": "a", "name": "b", "user_id": "a", "user_id": "b"}',
    "NaN": b'{"price": NaN}',
    "Infinity": b'{"price": Infinity}',
    "-Infinity": b'{"price": -Infinity}',
    "10,000 digits": b'{"max_seats": ' + b"9" * 10_000 + b"}",
    "a huge exponent": b'{"price": 1e9999999999999999999}',
    "a tiny exponent": b'{"price": 1e-9999999999999999999}',
    "an underscore": b'{"max_seats": 1_0}',
    "Arabic digits": '{"max_seats": \u0661}'.encode(),
    "a leading zero": b'{"max_seats": 01}',
    "a plus": b'{"max_seats": +1}',
    "hexadecimal": b'{"max_seats": 0x10}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_json_is_400(target: Target, content: bytes) -> None:
    refused(target.post([JSON], content), 400, "parse_error")


@pytest.mark.parametrize("content", [b"null", b"[]", b"1", b'"a"', b"true", b"{}"])
def test_json_that_is_neither_an_event_nor_a_booking_is_400(target: Target, content: bytes) -> None:
    refused(target.post([JSON], content), 400, "invalid_input")


@pytest.mark.parametrize(
    "member",
    [
        *(f'"max_seats": {number}' for number in ("0", "-1", "1.5", "1e400", "2147483648")),
        *(f'"max_seats": {other}' for other in ('"1"', '"\u0661"', '"1_0"', "true", "null", "[1]")),
        *(f'"price": {number}' for number in ("-0.01", "0.001", "1e400", "1e-400", "1e10")),
        *(f'"price": {other}' for other in ('"5"', '"\u0665"', "false", "null", "{}")),
        *(f'"name": {name}' for name in ('""', '" "', "5", "null", '"\\u0000"', '"a\\u0007b"')),
        *(f'"name": "{name}"' for name in ("\\u200b", "\\ufeff\\u200d", "\\ud800", "\\u3000")),
        *(f'"name": "{character * 256}"' for character in ("x", "ๆ", "🎫")),
    ],
)
def test_a_value_that_does_not_fit_is_400_and_names_its_field(sale: Sale, member: str) -> None:
    name = member.split('"')[1]
    valid = event_input()
    valid.pop(name)
    content = json.dumps(valid)[:-1] + f", {member}}}"

    response = sale.events.post(EVENTS, content=content.encode(), headers=AS_JSON)

    assert list(assert_problem(response, 400, code="invalid_input")["errors"]) == [name]


AS_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "name",
    [
        *(character * 255 for character in ("x", "ๆ", "🎫")),
        "👩‍👩‍👧‍👦 Family Day",
        "מופע \u202eהערב\u202c",
        "\u0639\u0631\u0636 2026",
        "e\u0301 and \u00e9",
        "Robert'); DROP TABLE events_event;--",
        "<script>alert(1)</script>",
        "{{7*7}} ${7*7} %s %(a)s",
    ],
)
def test_a_name_in_any_script_is_returned_as_it_was_sent(sale: Sale, name: str) -> None:
    event_id = sale.create_event(name=name)

    assert sale.events.get(f"{EVENTS}/{event_id}").json()["name"] == name
    assert sale.status(event_id)["name"] == name
    assert sale.booked(event_id, name)["user_id"] == name
    assert [booking["user_id"] for booking in sale.list(event_id)] == [name]
    found = sale.bookings.get("/api/v1/bookings", params={"user_id": name}).json()
    assert event_id in [booking["event_id"] for booking in found]


@pytest.mark.parametrize(("field", "number"), [("max_seats", 1), ("max_seats", 2**31 - 1)])
def test_the_smallest_and_the_largest_number_of_seats_are_accepted(
    sale: Sale, field: str, number: int
) -> None:
    assert sale.status(sale.create_event(**{field: number}))[field] == number


@pytest.mark.parametrize(
    "time",
    [
        *("2026-02-20T17:00:00", "2026-02-20", "2026-02-20T17:00Z", "1771578000", "", "now"),
        *("2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-20T24:00:00Z"),
        *("2026-06-30T23:59:60Z", "2026-02-20T17:00:61Z", "0000-01-01T00:00:00Z"),
        *("2026-02-20T17:00:00+24:00", "2026-02-20T17:00:00+0700", "2026-02-20T17:00:00 +07:00"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z"),
        *(
            "\u0662\u0660\u0662\u0666-02-20T17:00:00Z",
            "2026-02-20 17:00:00Z",
            "2026-W08-5T17:00:00Z",
        ),
        *(
            "2026-02-20T17:00:00Z\n",
            "2026-02-20T17:00:00.1234567890Z",
            "2026-02-20T17:00:00\u221207:00",
        ),
    ],
)
def test_a_time_that_has_no_offset_or_does_not_exist_is_400(sale: Sale, time: str) -> None:
    response = sale.events.post(EVENTS, json=event_input(booking_start_at=time))

    errors = assert_problem(response, 400, code="invalid_input")["errors"]
    assert list(errors) == ["booking_start_at"]


@pytest.mark.parametrize(
    "time",
    [
        *("2024-02-29T00:00:00Z", "0001-01-01T00:00:00Z", "2026-02-20T17:00:00.123456789Z"),
        *("2026-02-20T17:00:00+14:00", "2026-02-20t17:00:00z", "2026-02-20T17:00:00-00:00"),
        *("2026-02-20T17:00:00+23:59",),
    ],
)
def test_any_other_rfc_3339_time_is_that_instant(sale: Sale, time: str) -> None:
    event_id = sale.create_event(booking_start_at=time, booking_end_at="9999-12-31T23:59:59Z")

    shown = sale.events.get(f"{EVENTS}/{event_id}").json()
    assert datetime.fromisoformat(shown["booking_start_at"]) == datetime.fromisoformat(time.upper())
    assert shown["booking_end_at"] == "9999-12-31T23:59:59Z"
    assert sale.status(event_id)["booking_start_at"] == shown["booking_start_at"]


@pytest.mark.parametrize(
    "number", ["0", "-1", "abc", "1.0", "+1", "01", "%D9%A1", "1_0", "1e3", "%00", "1%00", "1%0A"]
)
def test_an_invalid_id_is_400(sale: Sale, number: str) -> None:
    bad_event = {"code": "invalid_event_id", "message": "invalid event id"}
    bad_booking = {"code": "invalid_booking_id", "message": "invalid booking id"}

    for client, path, expected in (
        (sale.events, f"{EVENTS}/{number}", bad_event),
        (sale.bookings, f"{EVENTS}/{number}/status", bad_event),
        (sale.bookings, f"{EVENTS}/{number}/bookings", bad_event),
        (sale.bookings, f"/api/v1/bookings/{number}", bad_booking),
    ):
        assert_problem(client.get(path), 400, **expected)


@pytest.mark.parametrize("number", [2**31, 2**63 - 1, 2**63, 10**100])
def test_an_id_beyond_any_column_is_404(sale: Sale, number: int) -> None:
    assert_problem(sale.events.get(f"{EVENTS}/{number}"), 404, code="event_not_found")
    assert_problem(sale.bookings.get(f"{EVENTS}/{number}/status"), 404, code="event_not_found")
    assert_problem(sale.bookings.delete(f"/api/v1/bookings/{number}"), 404)
    assert_problem(sale.book(number, "ann"), 404, code="event_not_found")


@pytest.mark.parametrize(
    "path", [b"%ff%fe", b"..%2f..%2fetc%2fpasswd", b"%zz", b"1%2Fx", b"%u0031", b"1;a=b", b"1%3F"]
)
def test_a_path_without_a_valid_id_is_refused(url: str, path: bytes) -> None:
    answer = exchange(url, request(b"GET", LIST + b"/" + path))

    assert answer.status in (400, 404)
    refused(answer, answer.status)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (b"limit=1&limit=2", "invalid_limit"),
        (b"limit=1;limit=2", "invalid_limit"),
        (b"limit=1_0", "invalid_limit"),
        (b"limit=%D9%A1", "invalid_limit"),
        (b"limit=%00", "invalid_limit"),
        (b"limit=" + b"9" * 3000, "invalid_limit"),
        (b"cursor=%ff", "invalid_cursor"),
        (b"cursor=a&cursor=b", "invalid_cursor"),
    ],
)
def test_a_bad_parameter_is_400_on_every_list(target: Target, query: bytes, code: str) -> None:
    answer = exchange(target.url, request(b"GET", target.path + b"?" + query))

    refused(answer, 400, code)


@pytest.mark.parametrize("text", ["%ff%fe", "a%00b", "%E2%80%8B", "x" * 256, "a&{name}=b", ""])
def test_an_invalid_text_is_400_in_a_query(sale: Sale, text: str) -> None:
    name = sale.events.get(f"{EVENTS}?name={text.format(name='name')}")
    user = sale.bookings.get(f"/api/v1/bookings?user_id={text.format(name='user_id')}")

    assert_problem(name, 400, code="invalid_name")
    assert_problem(user, 400)


def test_unknown_parameters_change_nothing(target: Target) -> None:
    plain = exchange(target.url, request(b"GET", target.path))

    for query in (
        b"unknown=1",
        b"limit[]=1",
        b"%ff=%ff",
        b"format=api",
        b"&&==&",
        b"_method=DELETE",
    ):
        answer = exchange(target.url, request(b"GET", target.path + b"?" + query))
        assert (answer.status, answer.body) == (200, plain.body)


@pytest.mark.parametrize("method", [b"PUT", b"TRACE", b"CONNECT", b"FROBNICATE", b"PROPFIND"])
@pytest.mark.parametrize("tail", [b"", b"/1", b"/1/cancel", b"/1/status", b"/1/bookings", b"/../x"])
def test_an_unsupported_method_is_405_or_404(url: str, method: bytes, tail: bytes) -> None:
    answer = exchange(url, request(method, LIST + tail, [JSON], b"{}"))

    assert answer.status in (404, 405)
    refused(answer, answer.status)
    assert answer.status == 404 or answer.headers["allow"]
    assert b"Host: localhost" not in answer.body, "what was sent is not echoed"


def test_head_is_get_without_a_body_and_options_says_what_there_is(target: Target) -> None:
    got = exchange(target.url, request(b"GET", target.path))
    head = exchange(target.url, request(b"HEAD", target.path))
    options = exchange(target.url, request(b"OPTIONS", target.path))

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert options.status == 200
    assert options.headers["allow"] == "get, post, head, options"
    refused(exchange(target.url, request(b"OPTIONS", b"*")), 404, "not_found")


@pytest.mark.parametrize("header", [b"X-HTTP-Method-Override", b"X-Method-Override"])
def test_a_method_in_a_header_is_ignored(sale: Sale, system: System, header: bytes) -> None:
    booking = sale.booked(sale.create_event(), "ann")["id"]
    path = f"/api/v1/bookings/{booking}?_method=DELETE".encode()

    read = exchange(system.booking_url, request(b"GET", path, [header + b": DELETE"]))
    posted = exchange(system.booking_url, request(b"POST", path, [header + b": DELETE"]))

    assert read.status == 200
    refused(posted, 405, "method_not_allowed")
    assert sale.booking(booking)["status"] == "confirmed"


@pytest.mark.parametrize("host", [b"", b"evil.example", b"a b<>", b"localhost@evil", b"\xff"])
def test_a_host_that_is_not_ours_is_400(url: str, host: bytes) -> None:
    refused(exchange(url, request(b"GET", b"/health", host=host)), 400, "bad_request")


def test_no_header_makes_links_point_to_another_host(target: Target) -> None:
    for _ in range(2):
        exchange(target.url, request(b"POST", target.path, [JSON], target.good))
    others = [b"X-Forwarded-Host: evil.example", b"Forwarded: host=evil.example"]

    absolute = request(b"GET", b"http://evil.example" + target.path + b"?limit=1", others)

    assert "evil" not in exchange(target.url, absolute).headers.get("link", "")


@pytest.mark.parametrize(
    "accept",
    [
        b"application/xml",
        b"image/*",
        b";;;,,,///",
        b"application/json; a*=nonsense''x",
        b"text/csv",
    ],
)
def test_an_accept_header_that_cannot_be_met_is_406(target: Target, accept: bytes) -> None:
    asking = [b"Accept: " + accept]

    refused(exchange(target.url, request(b"GET", target.path, asking)), 406, "not_acceptable")
    refused(exchange(target.url, request(b"GET", b"/nowhere", asking)), 404, "not_found")
    assert exchange(target.url, request(b"GET", b"/health", asking)).status == 200
    assert exchange(target.url, request(b"GET", b"/api/docs/", asking)).status == 200


@pytest.mark.parametrize(
    "header",
    [
        b"Cookie: \xff=;;;=x; event_session=\x22; booking_session=" + b"a" * 4000,
        b"X_Forwarded_For: 1.2.3.4",
        b"Range: bytes=0-1",
        b"If-Modified-Since: nonsense",
        b"Upgrade: h2c",
        b"Authorization: Basic !!!",
    ],
)
def test_a_header_without_a_meaning_here_changes_nothing(target: Target, header: bytes) -> None:
    plain = exchange(target.url, request(b"GET", target.path))
    answer = exchange(target.url, request(b"GET", target.path, [header]))

    assert (answer.status, answer.body) == (plain.status, plain.body)


@pytest.mark.parametrize("key", [b"", b" ", b"\xff", b"a" * 256, b"a, b", b"a b"])
def test_a_bad_idempotency_key_is_400(target: Target, key: bytes) -> None:
    answer = target.post([JSON, b"Idempotency-Key: " + key], target.good)

    refused(answer, 400, "invalid_idempotency_key")


@pytest.mark.parametrize("tag", [b"\xff", b'"', b"W/", b"1", b'"1', b'"a"', b'W/"1"'])
def test_an_if_match_that_is_not_the_version_is_412(sale: Sale, url: str, tag: bytes) -> None:
    path = f"{EVENTS}/{sale.create_event()}"

    changed = sale.events.patch(path, json={"name": "b"}, headers={b"If-Match": tag})

    assert_problem(changed, 412, code="precondition_failed")


def test_slow_requests_end_and_others_are_served_meanwhile(target: Target) -> None:
    half_a_body = request(b"POST", target.path, [JSON, b"Content-Length: 500"], target.good)
    half_a_chunk = request(b"POST", target.path, CHUNKED, b"500\r\n" + target.good)

    with ExitStack() as stack:
        slow = [stack.enter_context(connected(target.url)) for _ in range(4)]
        for connection, sent in zip(slow, (half_a_body, half_a_chunk) * 2, strict=True):
            connection.sendall(sent)
        assert target.post([JSON], target.good).status == 201
        answers = [until_closed(connection) for connection in slow]

    for answer in answers[::2]:
        refused(parsed(answer), 400, "parse_error")
    assert answers[1::2] == [b"", b""]
