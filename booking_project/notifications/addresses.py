"""Which mail address a user has, and what counts as an address."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from booking_project.notifications.errors import Undeliverable

# RFC 5321, 4.5.3.1
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64


def address_of(user_id: str) -> str:
    """The user's mail address: the id itself, if it is one. Raises `Undeliverable`."""
    if is_address(user_id):
        return user_id
    address = settings.NOTIFICATION_ADDRESS.replace("{user_id}", user_id)
    if not is_address(address):
        raise Undeliverable(f"{address!r} is not a mail address")
    return address


def is_address(text: str) -> bool:
    """Stricter than Django's validator, which also accepts addresses that no mail can reach: a
    domain with no DNS form, or a local part in letters that only look like ASCII."""
    local_part, _, domain = text.rpartition("@")
    try:
        validate_email(text)
        domain.encode("idna")
    except (ValidationError, UnicodeError):
        return False
    return (
        local_part.isascii()
        and len(text) <= _LONGEST_ADDRESS
        and len(local_part) <= _LONGEST_LOCAL_PART
    )
