"""Work too big for one transaction: cancelling all bookings of an event, and promoting a long
waitlist.

What is left to do is noted on the event's row, so any process can continue where another stopped.
"""

import logging

from django.db import OperationalError, transaction

from booking_project.bookings.domain.allocation import SeatAllocation
from booking_project.bookings.domain.transitions import Reason
from booking_project.bookings.models import Event
from booking_project.bookings.selectors import active_bookings, event_with_pending_batches
from booking_project.bookings.services.events import promote_and_save, save_event_and_changes
from booking_project.bookings.storage.locks import lock_event_briefly
from booking_project.bookings.storage.sql import clock
from shared.db.errors import is_timeout
from shared.observability.cause import resumed

logger = logging.getLogger(__name__)

CANCELLATION_BATCH = 250


def do_next_batch(*, after: int = 0) -> int | None:
    """Do one batch of one event, and return that event's id; None if no event has any left.

    Events take turns in the order of their ids, starting with the next one after `after`. An event
    whose row another transaction holds misses its turn after `locks.BRIEF_WAIT_MS`.
    """
    event_id = event_with_pending_batches(after=after)
    if event_id is None:
        return None
    try:
        _do_batch(event_id)
    except OperationalError as error:
        if not is_timeout(error):
            raise
        logger.info(
            "event %d is locked by another transaction, its next batch has to wait", event_id
        )
    return event_id


@transaction.atomic
def _do_batch(event_id: int) -> None:
    event = lock_event_briefly(event_id=event_id)
    if event is None:
        return
    with resumed(event.batches_cause, "batch"):
        if event.cancellation_pending:
            _cancel_batch(event)
        elif event.promotion_cause:
            promote_and_save(event, reason=Reason(event.promotion_cause))


def _cancel_batch(event: Event) -> None:
    """Rule 9."""
    bookings = list(active_bookings(event_id=event.pk)[:CANCELLATION_BATCH])
    by_id = {booking.pk: booking for booking in bookings}
    allocation = SeatAllocation(event, now=clock(), bookings=by_id)
    for booking in bookings:
        allocation.cancel(booking_id=booking.pk, reason=Reason.EVENT_CANCELLED)
    event.cancellation_pending = len(bookings) == CANCELLATION_BATCH
    save_event_and_changes(allocation)
