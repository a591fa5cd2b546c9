"""Checks the mail environment variables at start, not when the first mail fails."""

from email.utils import parseaddr

from django.core import validators
from django.core.exceptions import ValidationError as InvalidAddress

from shared.conf.env import ValidationError


def sender(text: str) -> None:
    """`bookings@example.com` or `Bookings <bookings@example.com>`."""
    if not _is_address(parseaddr(text)[1]) or "\n" in text or "\r" in text:
        raise ValidationError(f"{text!r} is no mail address.")


def address_pattern(text: str) -> None:
    """A mail address with `{user_id}` in it."""
    if "{user_id}" not in text or not _is_address(text.replace("{user_id}", "ann")):
        raise ValidationError(f"{text!r} is no mail address with {{user_id}} in it.")


def _is_address(text: str) -> bool:
    try:
        validators.validate_email(text)
        text.rpartition("@")[2].encode("idna")
    except (InvalidAddress, UnicodeError):
        return False
    return True
