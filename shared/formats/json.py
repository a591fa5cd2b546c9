"""JSON as the contract reads and writes it."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

_MOST_DIGITS = 100
# Our own limit, because the depth at which a parser gives up differs between Python versions.
DEEPEST = 100
# A string, which may contain brackets, or a bracket. An unterminated string reaches to the end of
# the text, so that the search takes linear time whatever is sent.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]+|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def dump_json(data: Any, *, indented: bool = False) -> bytes:
    """Times in UTC with Z, money as a number. Indented for people."""
    option = orjson.OPT_UTC_Z | orjson.OPT_INDENT_2 if indented else orjson.OPT_UTC_Z
    return orjson.dumps(data, default=_default, option=option)


def json_number(value: Decimal) -> int | float:
    """2500 and 2500.5, never "2500.00". Exact while a price has at most 15 digits."""
    return int(value) if value == value.to_integral_value() else float(value)


def load_json(text: bytes) -> Any:
    """Decode, and refuse everything that a lenient decoder would quietly reinterpret.

    Fractions become `Decimal`, so that a price is what the sender typed. Raises `ValueError` with
    a sentence for duplicate keys, NaN and Infinity, bytes that aren't UTF-8, and more than
    `DEEPEST` nested arrays and objects.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if _is_too_deep(decoded):
        raise ValueError(f"it is nested too deeply, more than {DEEPEST} levels")
    return _decode(decoded)


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST:  # as in nearly every body
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        first = match[0][0]
        if first in "[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif first in "]}":
            depth -= 1
    return False


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return json_number(value)
    # Translated texts of Django and DRF are lazy objects.
    return str(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is too large or too small") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_decode = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_constant=_no_constant,
    parse_float=_fraction,
).decode
