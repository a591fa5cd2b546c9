"""Publishing right after the commit, at a bounded cost to the request that committed."""

import functools
import logging
import time

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction

from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import Publisher
from shared.outbox.models import OutboxMessage
from shared.outbox.services import publish_pending

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 0.4
PAUSE_AFTER_FAILURE_SECONDS = 5.0


def publish_after_commit(message: OutboxMessage) -> None:
    """Publish `message` once the current transaction has committed.

    Whatever goes wrong then is the relay's to repair and never the request's, whose change is
    already committed. After a failure nothing is tried for a while: one request pays for a dead
    broker, not each of them.
    """
    transaction.on_commit(functools.partial(_attempts().publish, message.pk))


class _Attempts:
    def __init__(self) -> None:
        self._publisher = Publisher(settings.RABBITMQ_URL, timeout=PUBLISH_SECONDS)
        self._paused_until = 0.0

    def publish(self, message_id: int) -> None:
        if time.monotonic() < self._paused_until:
            return
        try:
            publish_pending(self._publisher, only=[message_id])
        except (BrokerUnavailable, Unroutable, DatabaseError) as error:
            self._paused_until = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
            logger.warning("left outbox message %d to the relay: %s", message_id, error)


@functools.cache
def _attempts() -> _Attempts:
    return _Attempts()
