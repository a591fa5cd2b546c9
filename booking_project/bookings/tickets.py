"""The tokens of waiting rooms: a place in line, signed, of one user at one event."""

import functools
import hmac
from hashlib import sha256

from django.conf import settings
from django.core import signing

from booking_project.bookings.domain.errors import InvalidTurn
from booking_project.bookings.domain.turns import DRAWN, Ticket

_SALT = "waiting room"


def token_of(ticket: Ticket) -> str:
    return _signer().sign_object(ticket)


def ticket_in(token: str, *, event_id: int, user_id: str | None = None) -> Ticket:
    """Raises `InvalidTurn` if it is forged, or of another event, or of another user than this."""
    try:
        ticket = _read(token)
    except signing.BadSignature:
        raise InvalidTurn from None
    if ticket.event_id != event_id or user_id not in (None, ticket.user_id):
        raise InvalidTurn
    return ticket


@functools.cache
def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT)


@functools.lru_cache(maxsize=1024)
def _read(token: str) -> Ticket:
    """A worker and a view read the same one. Raises `BadSignature`."""
    return Ticket(*_signer().unsign_object(token))


def draw_of(ticket: Ticket) -> float:
    """From 0 to 1. The same each time a user joins, so to join often is no better."""
    if ticket.turn != DRAWN:
        return 0.0
    about = f"{_SALT} {ticket.event_id} {ticket.user_id}".encode()
    digest = hmac.digest(settings.SECRET_KEY.encode(), about, sha256)
    return int.from_bytes(digest[:6], "big") / 2**48
