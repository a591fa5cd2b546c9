"""Serializer fields that accept a JSON value as it is, or refuse it."""

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from shared.formats.codes import validate_currency, validate_time_zone

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)

# What the fields accept after trimming blanks at both ends, as JSON Schema patterns.
VISIBLE_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*[\p{L}\p{M}\p{N}\p{P}\p{S}][^\x00-\x1f\x7f-\x9f]*$"
VISIBLE_LINES = VISIBLE_TEXT.replace(r"\x00-\x1f", r"\x00-\x08\x0b\x0c\x0e-\x1f")

# Unicode's categories Cc (control characters) and Cs (halves of surrogate pairs).
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNFIT_FOR_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class IdField(serializers.IntegerField):
    """An id that this API gives out."""


class TextField(serializers.CharField):
    """A JSON string with a visible character and no control characters. Numbers are refused."""

    unfit = _UNFIT

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # `unfit` has their characters, and is many times faster than a loop over a long text.
        self.validators = [
            each
            for each in self.validators
            if not isinstance(
                each, ProhibitNullCharactersValidator | ProhibitSurrogateCharactersValidator
            )
        ]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if not any(_is_visible(character) for character in text):
            self.fail("blank")
        if self.unfit.search(text):
            self.fail("invalid")
        return text


class LinesField(TextField):
    """A `TextField` that may have several lines, and tabs. All line breaks become `\\n`."""

    unfit = _UNFIT_FOR_LINES

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str):
            data = data.replace("\r\n", "\n").replace("\r", "\n")
        return super().to_internal_value(data)


class CurrencyField(TextField):
    """A currency's code in ISO 4217."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[validate_currency], **options)


class TimeZoneField(TextField):
    """The name of an IANA time zone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[validate_time_zone], **options)


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ"


class WholeNumberField(serializers.IntegerField):
    """A JSON integer; not "5", not 5.5, not true. 5.0 is accepted, because it equals 5."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            self.fail("invalid")
        # Size first: no column has more than 19 digits, and int() of 1e1000000 takes a minute.
        if isinstance(data, Decimal) and (data.adjusted() > 19 or data != data.to_integral_value()):
            self.fail("invalid")
        return int(data)


class MoneyField(serializers.DecimalField):
    """A JSON number, in and out (`2500`, `2500.5`)."""

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            self.fail("invalid")
        return super().to_internal_value(data)

    def to_representation(self, value: Decimal) -> Decimal:  # type: ignore[override]
        return value


class InstantField(serializers.DateTimeField):
    """An RFC 3339 time with an offset; gives an aware datetime in UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            self.fail("invalid", format="RFC 3339 with an offset, like 2026-02-20T17:00:00+07:00")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid", format="a date and time that exist")

    def to_representation(self, value: datetime) -> datetime:  # type: ignore[override]
        return value
