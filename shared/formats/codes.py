"""Codes that others define and keep: of currencies and time zones."""

from importlib import resources
from typing import Any

from django.core.exceptions import ValidationError
from iso4217 import Currency

CURRENCIES = frozenset(currency.code for currency in Currency)
# The list of the tzdata package: that of the system may differ from machine to machine.
_zones = resources.files("tzdata").joinpath("zones").read_text().split()
TIME_ZONES = frozenset(_zones) - {"Factory"}


def validate_currency(value: Any) -> None:
    if value not in CURRENCIES:
        raise ValidationError("must be a code of ISO 4217, like THB", "invalid")


def validate_time_zone(value: Any) -> None:
    if value not in TIME_ZONES:
        raise ValidationError("must be the name of an IANA time zone, like Asia/Bangkok", "invalid")
