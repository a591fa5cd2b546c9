"""Moves a message that was not handled to the retry queue or to the dead-letter queue.

The move is confirmed before the original is acknowledged; at worst the message is in both queues.
"""

import logging
from collections.abc import Mapping
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

from shared.messaging.dead_letters import MARKS, REASON_HEADER, RETRIES_HEADER
from shared.messaging.header_tables import forwarded
from shared.messaging.inbox import Delivery
from shared.messaging.topology import Queue

logger = logging.getLogger(__name__)

DEAD = "dead"
POSTPONED = "postponed"


def postpone(channel: BlockingChannel, queue: Queue, delivery: Delivery, *, reason: str) -> str:
    """Returns what became of it: after `most_retries` it is a dead letter."""
    retries = _retries(delivery.properties.headers)
    if retries >= queue.most_retries:
        reason = f"{reason} (tried {retries + 1} times)"
        return dead_letter(channel, queue, delivery, reason=reason)
    logger.warning("message %s is tried again later: %s", delivery.properties.message_id, reason)
    marks = {RETRIES_HEADER: retries + 1, REASON_HEADER: reason}
    _move(channel, delivery, to=queue.retry_queue, marks=marks)
    return POSTPONED


def dead_letter(channel: BlockingChannel, queue: Queue, delivery: Delivery, *, reason: str) -> str:
    logger.error("message %s is dead: %s", delivery.properties.message_id, reason)
    _move(channel, delivery, to=queue.dead_letter_queue, marks={REASON_HEADER: reason})
    return DEAD


def _move(
    channel: BlockingChannel, delivery: Delivery, *, to: str, marks: Mapping[str, Any]
) -> None:
    properties = forwarded(delivery.properties, without=MARKS, marks=marks)
    channel.basic_publish("", to, delivery.body, properties, mandatory=True)


def _retries(headers: Mapping[str, Any] | None) -> int:
    """How often a message was postponed; 0 if the header isn't one of ours."""
    found = (headers or {}).get(RETRIES_HEADER)
    return found if isinstance(found, int) and found > 0 else 0
