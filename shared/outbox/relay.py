"""The loop that empties the outbox."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from django.db import close_old_connections
from prometheus_client import Counter

from shared.commands.backoff import retrying
from shared.db.errors import DatabaseUnavailable, unavailable_as_one_error
from shared.formats.text import describe
from shared.messaging.errors import BrokerUnavailable, Unroutable
from shared.messaging.publishing import make_publisher
from shared.outbox.services import PUBLISH_BATCH, publish_pending
from shared.outbox.sql import listen, wait_for_notification
from shared.workers.heartbeat import Heartbeat

logger = logging.getLogger(__name__)

PUBLISHED = Counter("relay_published_messages", "Messages that this relay has published")

POLL_SECONDS = 1.0

# After it has published something, the relay lets messages gather for so long before it looks
# again: a batch costs about as much as fifty messages. After a pause, a message leaves at once.
GATHER_SECONDS = 0.025
_PRUNE_SECONDS = 60.0
_PUBLISH_SECONDS = 10.0


class Relay:
    """Any number of relays may run: they take turns, and if one dies the others carry on."""

    def __init__(
        self, *, url: str, prunes: Sequence[Callable[[], int]], heartbeat: Heartbeat
    ) -> None:
        """Each of `prunes` deletes a batch of rows that are too old, and returns how many."""
        self._publisher = make_publisher(url, timeout=_PUBLISH_SECONDS)
        self._prunes = prunes
        self._heartbeat = heartbeat
        self._shutdown = threading.Event()
        self._pruned_at = 0.0

    def stop(self) -> None:
        """Make `run` return after the current batch."""
        self._shutdown.set()

    def run(self) -> None:
        """Publish until `stop`. An outage of the broker or the database pauses it.

        Raises `TopologyMismatch`.
        """
        outages = (BrokerUnavailable, Unroutable, DatabaseUnavailable)
        with_backoff = retrying(
            errors=outages, shutdown=self._shutdown, longest=5, on_failure=self._tell
        )
        logger.info("relaying the outbox")
        try:
            while not self._shutdown.is_set():
                with_backoff(self._relay)
        except outages:
            pass  # stopped during an outage
        finally:
            self._publisher.close()

    @unavailable_as_one_error()
    def _relay(self) -> None:
        """Publish what there is and what comes, until nothing has come for `POLL_SECONDS`."""
        close_old_connections()
        listen()
        # Also with nothing to publish: the heartbeat says whether publishing would work.
        self._publisher.require_open()
        awaited = True
        while awaited and not self._shutdown.is_set():
            self._heartbeat.working("publish")
            began = time.monotonic()
            published = publish_pending(self._publisher, wait=True)
            if published:
                PUBLISHED.inc(published)
                logger.info("published %d messages", published)
            pruned = self._prune()
            if published and published < PUBLISH_BATCH:
                self._shutdown.wait(began + GATHER_SECONDS - time.monotonic())
            elif not published and not pruned and not self._shutdown.is_set():
                awaited = wait_for_notification(timeout=POLL_SECONDS)

    def _tell(self, error: BaseException) -> None:
        """Report an outage to the heartbeat."""
        if isinstance(error, DatabaseUnavailable):
            waiting = "waiting for the database"
        elif isinstance(error, BrokerUnavailable):
            waiting = "connecting to the broker"
        else:
            waiting = "waiting for a queue"
        self._heartbeat.waiting(f"{waiting}: {describe(error)}")

    def _prune(self) -> bool:
        """Delete a batch of each, once a minute. Returns whether there may be more; new messages
        are published before the next batch."""
        if time.monotonic() - self._pruned_at < _PRUNE_SECONDS:
            return False
        if sum(prune() for prune in self._prunes):
            return True
        self._pruned_at = time.monotonic()
        return False
