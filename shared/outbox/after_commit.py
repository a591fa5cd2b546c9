"""Publishing right after the commit, at a bounded cost to the request that committed."""

import functools
import logging

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction

from shared.messaging.errors import NotPublished
from shared.messaging.publisher import Publisher
from shared.messaging.publishing import make_publisher
from shared.outbox.services import publish_pending

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 0.4


def publish_after_commit() -> None:
    """Publish what is pending once the current transaction has committed.

    If publishing fails, the relay repairs it. The request never fails, because its change is
    already committed. The first request that finds the broker dead pays `PUBLISH_SECONDS`; later
    ones pay nothing, until the publisher has found the broker again.
    """
    transaction.on_commit(_publish)


def _publish() -> None:
    try:
        publish_pending(_publisher(), wait=False)
    except (NotPublished, DatabaseError) as error:
        logger.warning("left the outbox to the relay: %s", error)


@functools.cache
def _publisher() -> Publisher:
    return make_publisher(settings.RABBITMQ_URL, timeout=PUBLISH_SECONDS)
