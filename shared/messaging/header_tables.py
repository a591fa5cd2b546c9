"""AMQP header tables that pika can't read, or can't write back.

A foreign message may have a table that the broker accepts and pika doesn't: a timestamp beyond the
year 9999, a number that isn't one, a thousand nested tables. pika then raises while it reads from
the socket, before there is a message that could be refused.
"""

import struct
from collections.abc import Mapping
from typing import Any

import pika
import pika.data

# Takes the place of a table that can't be read.
UNREADABLE = "x-unreadable"

# A message's header frame has at most 128 KiB, and the broker closes a connection that exceeds it.
_LARGEST_PROPERTIES = 64 * 1024

# Set by the broker when a message dies or is redelivered; `CC` and `BCC` add more destinations.
_BROKERS_HEADERS = frozenset({"x-death", "x-delivery-count", "CC", "BCC"})
_BROKERS_PREFIXES = ("x-first-death-", "x-last-death-")

_decode_table = pika.data.decode_table


def read_leniently() -> None:
    """From now on, pika reads a table that it can't decode as one with the member `UNREADABLE`."""
    pika.data.decode_table = _decode_leniently


def forwarded(
    properties: pika.BasicProperties, *, without: frozenset[str], marks: Mapping[str, Any]
) -> pika.BasicProperties:
    """`properties` for sending the message on to another queue, persistent.

    Its headers are kept, except those named in `without` and the broker's own, and `marks` are
    added. If they are too large or can't be written, only `marks` are left.
    `expiration` is dropped because a dead letter must not expire, and `user_id` because the broker
    refuses another user's.
    """
    headers = {
        name: value
        for name, value in (properties.headers or {}).items()
        if name not in without and name not in _BROKERS_HEADERS and not _is_prefixed(name)
    }
    kept = {
        name: value
        for name, value in vars(properties).items()
        if name not in ("expiration", "user_id", "headers", "delivery_mode")
    }
    moved = pika.BasicProperties(
        **kept, headers={**headers, **marks}, delivery_mode=pika.DeliveryMode.Persistent.value
    )
    if not _fits(moved):
        moved.headers = {UNREADABLE: True, **marks}
    return moved


def _is_prefixed(name: str | bytes) -> bool:
    return isinstance(name, str) and name.startswith(_BROKERS_PREFIXES)


def _fits(properties: pika.BasicProperties) -> bool:
    try:
        return sum(map(len, properties.encode())) <= _LARGEST_PROPERTIES
    except Exception:  # whatever it is, these headers can't be sent
        return False


def _decode_leniently(encoded: bytes, offset: int) -> tuple[dict[Any, Any], int]:
    try:
        table: tuple[dict[Any, Any], int] = _decode_table(encoded, offset)
        return table
    except Exception:  # pika doesn't document what its decoder raises
        (size,) = struct.unpack_from(">I", encoded, offset)
        return {UNREADABLE: True}, offset + 4 + size
