"""Publishes what a dead broker or a crash left in the outbox."""

import logging
import signal
import threading
from typing import Any

import tenacity
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections

from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publisher import Publisher
from shared.outbox.services import RELAY_BATCH, publish_pending

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_PUBLISH_SECONDS = 10.0


class Command(BaseCommand):
    help = "Publish pending outbox messages to RabbitMQ until stopped (SIGTERM, SIGINT)."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda *_: stopping.set())
        publisher = Publisher(settings.RABBITMQ_URL, timeout=_PUBLISH_SECONDS)
        relaying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(
                (BrokerUnavailable, Unroutable, OperationalError)
            ),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
            sleep=tenacity.sleep_using_event(stopping),
            stop=tenacity.stop_when_event_set(stopping),
            before_sleep=_log_pause,
            reraise=True,
        )
        logger.info("relaying the outbox")
        while not stopping.is_set():
            try:
                published = relaying(_relay_once, publisher)
            except (BrokerUnavailable, Unroutable, OperationalError):
                break  # stopped while the broker or the database was away
            if published < RELAY_BATCH:
                stopping.wait(_POLL_SECONDS)
        publisher.close()


def _relay_once(publisher: Publisher) -> int:
    close_old_connections()
    published = publish_pending(publisher)
    if published:
        logger.info("published %d messages", published)
    return published


def _log_pause(state: tenacity.RetryCallState) -> None:
    if state.outcome is not None and state.next_action is not None:
        logger.warning(
            "%s; trying again in %.1f s", state.outcome.exception(), state.next_action.sleep
        )
