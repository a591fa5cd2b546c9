"""Header tables of AMQP that pika can't read, or can't write again.

A stranger's message may have a table that the broker takes and pika doesn't: a timestamp beyond the
year 9999, a number that is none, a thousand tables in each other. pika raises then while it reads
from the socket, where no message is known yet that could be refused.
"""

import struct
from collections.abc import Mapping
from typing import Any

import pika
import pika.data

# Stands in the place of a table that can't be read.
UNREADABLE = "x-unreadable"

# A message's header frame has at most 128 KiB, and the broker closes a connection that exceeds it.
_LARGEST_PROPERTIES = 64 * 1024

# Set by the broker when a message dies or comes again; `CC` and `BCC` are more addresses for it.
_BROKERS_HEADERS = frozenset({"x-death", "x-delivery-count", "CC", "BCC"})
_BROKERS_PREFIXES = ("x-first-death-", "x-last-death-")

_decode_table = pika.data.decode_table


def read_leniently() -> None:
    """From now on, pika reads a table that it can't read as one with the member `UNREADABLE`."""
    pika.data.decode_table = _decode_leniently


def forwarded(
    properties: pika.BasicProperties, *, without: frozenset[str], marks: Mapping[str, Any]
) -> pika.BasicProperties:
    """`properties` for sending the message on to another queue, persistent.

    Its headers stay, apart from those named in `without` and the broker's own, and get `marks`. If
    they are too large, or can't be written, only `marks` are left.
    `expiration` goes, because a dead letter must not expire; so does `user_id`, because the broker
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
    except Exception:  # pika's decoder says nowhere what it raises
        (size,) = struct.unpack_from(">I", encoded, offset)
        return {UNREADABLE: True}, offset + 4 + size
