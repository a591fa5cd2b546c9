"""What strangers wrote, made safe to show."""

import logging
import sys

import pytest

from shared.formats.text import describe, printable
from shared.observability.logs import LineFormatter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ภาษาไทย emoji 🎟", "ภาษาไทย emoji 🎟"),
        ("line\nbreak\r\n", "line\\nbreak\\r\\n"),
        ("\x1b[2J\x9b31m\x07", "\\x1b[2J\\x9b31m\\x07"),
        ("nul\x00 del\x7f", "nul\\x00 del\\x7f"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("right\u202eleft\u200bnothing\ufeff", "right\\u202eleft\\u200bnothing\\ufeff"),
        ("\ud800", "\\ud800"),
        (b"bytes\xff\n", "bytes\\xff\\n"),
        (12, "12"),
    ],
)
def test_no_character_that_a_terminal_or_a_reader_obeys_is_left(text: object, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode()


def test_every_character_can_be_shown() -> None:
    for number in range(sys.maxunicode + 1):
        shown = printable(chr(number))
        assert shown.isprintable()
        assert len(shown.splitlines()) == 1


def test_long_text_is_cut() -> None:
    assert printable("x" * 2000) == "x" * 1000 + "…"
    assert printable("x" * 20, limit=10) == "x" * 10 + "…"


def test_an_error_is_described_without_the_credentials_of_a_url() -> None:
    error = ValueError("amqp://user:secret@host/ and smtp://me:p%40ss@mail:25\nforged")

    assert describe(error) == "ValueError: amqp://host/ and smtp://mail:25\\nforged"
    assert describe(KeyError()) == "KeyError"


def logged(message: str, *arguments: object, error: Exception | None = None) -> str:
    record = logging.LogRecord(
        "test", logging.ERROR, __file__, 1, message, arguments, _exc_info(error)
    )
    return LineFormatter("{levelname} {message}", style="{").format(record)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("", "ERROR test: failed"),
        ("order-7", "ERROR [order-7] test: failed"),
        ("4bf92f3577b34da6a3ce929d0e0e4736", "ERROR […0e0e4736] test: failed"),
    ],
)
def test_a_line_for_people_shows_enough_of_its_request_to_find_the_others(
    number: str, shown: str
) -> None:
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "failed", (), None)
    record.request_id = number

    formatter = LineFormatter("{levelname} {short_id}{name}: {message}", style="{")

    assert formatter.format(record) == shown


def _exc_info(error: Exception | None) -> tuple[type[Exception], Exception, None] | None:
    return None if error is None else (type(error), error, None)


def test_a_log_record_is_one_line_whatever_is_put_into_it() -> None:
    line = logged("message %s is dead", "m\n2026-01-01 INFO all is well\x1b[1A")

    assert line == "ERROR message m\\n2026-01-01 INFO all is well\\x1b[1A is dead"


def test_each_line_of_a_traceback_is_indented_so_that_none_can_be_forged() -> None:
    first, *others = logged("failed", error=ValueError("why\nERROR forged\x1b")).split("\n")

    assert first == "ERROR failed"
    assert others == ["    ValueError: why", "    ERROR forged\\x1b"]
