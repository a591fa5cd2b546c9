"""Valid and invalid `Idempotency-Key` headers."""

import string

import pytest

from shared.idempotency.keys import LONGEST_KEY, parse_key

VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ('"8e03978e-40d5-43e8-bc93-6894a57f9324"', "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("0", "0"),
        (" abc\t", "abc"),
        ("a;b=c\\d", "a;b=c\\d"),
        ('"a,b"', "a,b"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ("k" * LONGEST_KEY, "k" * LONGEST_KEY),
        ('"' + r"\\" * LONGEST_KEY + '"', "\\" * LONGEST_KEY),
    ],
)
def test_a_key_may_be_bare_or_quoted(header: str, key: str) -> None:
    assert parse_key(header) == key


@pytest.mark.parametrize(
    "header",
    [
        *("", " ", '""', '"', '"a', 'a"', 'a"b', '"a"b"', '"a""b"'),
        *("a,b", "a, b", '"a","b"', '"a","a"', ","),
        *("a b", '"a b"', "a\tb", "a\x00b", "a\x7f", "a\nb", "a\n"),
        *("é", "a\xa0", "\xff", '"é"', "\N{FULLWIDTH DIGIT ONE}"),
        *(r'"a\b"', '"a\\"', '"a";p=1'),
        "k" * (LONGEST_KEY + 1),
        f'"{"k" * (LONGEST_KEY + 1)}"',
    ],
)
def test_anything_else_is_not_a_key(header: str) -> None:
    assert parse_key(header) is None


def test_every_visible_character_may_be_in_a_key_and_no_other() -> None:
    quoted = VISIBLE.replace("\\", r"\\").replace('"', r"\"")

    assert parse_key(f'"{quoted}"') == VISIBLE
    bare = [chr(code) for code in range(256) if parse_key(f"a{chr(code)}b") is not None]
    assert "".join(bare) == VISIBLE.replace('"', "").replace(",", "")
    assert set(string.ascii_letters + string.digits + "-_.~") < set(bare)
