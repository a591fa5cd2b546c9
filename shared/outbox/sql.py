"""The outbox's SQL: what the ORM can't express, or what runs for each transaction or batch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from shared.db.round_trips import Statement, execute, execute_together, execute_with_commit

CHANNEL = "outbox"

# Any number that no other advisory lock in a service's database uses.
_TURN = 7_102_845_316

_INSERT = """
    INSERT INTO outbox_outboxentry (distribution_key, exchange, size, messages) VALUES {rows}
"""
_NOTIFY = f"SELECT pg_notify('{CHANNEL}', '')"
_INSERT_AND_NOTIFY = f"WITH stored AS ({_INSERT}) {_NOTIFY}"

# The flag comes from the same snapshot as the entries: an entry is never read without the old rows
# that were committed before it.
_PENDING = """
    SELECT old_rows.waiting, pending.id, distribution_key, exchange, created_at, waited_long,
           messages
      FROM (SELECT EXISTS (SELECT FROM outbox_outboxmessage WHERE published_at IS NULL) AS waiting)
           AS old_rows
      LEFT JOIN (
            SELECT id, distribution_key, exchange, created_at, messages,
                   unroutable_since < statement_timestamp() - make_interval(secs => %s)
                   AS waited_long,
                   sum(size) OVER (ORDER BY id) - size AS earlier
              FROM outbox_outboxentry
             WHERE published_at IS NULL AND set_aside_at IS NULL
             ORDER BY id
             LIMIT %s
           ) AS pending ON earlier < %s
     ORDER BY pending.id
"""

# Where entries are distributed: first only which ones, so that no node sends messages in vain.
# Nobody sees the old form there: its rows are adopted when tables are distributed.
_PENDING_ANYWHERE = """
    SELECT distribution_key, id, size FROM outbox_outboxentry
     WHERE published_at IS NULL AND set_aside_at IS NULL
     ORDER BY id
     LIMIT %s
"""
_SOME = """
    SELECT id, distribution_key, exchange, created_at,
           unroutable_since < statement_timestamp() - make_interval(secs => %s), messages
      FROM outbox_outboxentry
     WHERE distribution_key = ANY(%s) AND id = ANY(%s)
     ORDER BY id
"""

_MARK = "UPDATE outbox_outboxentry SET published_at = statement_timestamp() WHERE id = ANY(%s)"
_MARK_SOME = f"{_MARK} AND distribution_key = ANY(%s)"

_ADOPT = """
    WITH old AS (DELETE FROM outbox_outboxmessage WHERE published_at IS NULL RETURNING *)
    INSERT INTO outbox_outboxentry
           (id, exchange, size, messages, created_at, unroutable_since, set_aside_at, failure)
    SELECT id, exchange, 1,
           concat_ws(E'\\t', message_id, routing_key, ordering_key, headers::text, body::text),
           created_at, unroutable_since, set_aside_at, failure
      FROM old
"""


class PendingEntry(NamedTuple):
    """`waited_long`: no queue has taken one of its messages for a long time."""

    id: int
    distribution_key: int
    exchange: str
    created_at: datetime
    waited_long: bool | None
    messages: str


def insert_and_notify(entries: Sequence[tuple[int, str, int, str]]) -> None:
    """Entries are distribution key, exchange, number of messages, and their lines."""
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(entries))
    values = [value for entry in entries for value in entry]
    if settings.DISTRIBUTED:
        # In one statement, the node of the entry would notify nobody.
        execute_with_commit(Statement(_INSERT.format(rows=rows), values))
        execute_with_commit(Statement(_NOTIFY))
    else:
        execute_with_commit(Statement(_INSERT_AND_NOTIFY.format(rows=rows), values))


def lock_and_read_pending(*, wait: bool, limit: int, patience: timedelta) -> list[PendingEntry]:
    """Take the advisory lock, and read the oldest pending entries until they have `limit` messages
    or more. Without the lock, nothing. `patience` decides about `waited_long`.

    Both go to the server at once, but the second one sees what was committed before the first one
    was granted.
    """
    if settings.DISTRIBUTED:
        return _lock_and_read_anywhere(wait=wait, limit=limit, patience=patience)
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    arguments = [patience.total_seconds(), limit, limit]
    [(granted,)], rows = execute_together(
        [Statement(f"SELECT {function}({_TURN})"), Statement(_PENDING, arguments)]
    )
    if not wait and not granted:
        return []
    if rows[0][0]:
        adopt_old_rows()
        rows = execute(_PENDING, arguments)
    return [PendingEntry._make(row[1:]) for row in rows if row[1] is not None]


def adopt_old_rows() -> None:
    """Make entries of the pending rows of the old form."""
    execute(_ADOPT)


def _lock_and_read_anywhere(*, wait: bool, limit: int, patience: timedelta) -> list[PendingEntry]:
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    [(granted,)], rows = execute_together(
        [Statement(f"SELECT {function}({_TURN})"), Statement(_PENDING_ANYWHERE, [limit])]
    )
    if (not wait and not granted) or not rows:
        return []
    wanted, messages = [], 0
    for distribution_key, entry_id, size in rows:
        if messages >= limit:
            break
        wanted.append((distribution_key, entry_id))
        messages += size
    keys, ids = map(list, zip(*wanted, strict=True))
    found = execute(_SOME, [patience.total_seconds(), keys, ids])
    return [PendingEntry._make(row) for row in found]


def mark_published(entries: Sequence[PendingEntry]) -> None:
    ids = [entry.id for entry in entries]
    if settings.DISTRIBUTED:
        execute(_MARK_SOME, [ids, [*{entry.distribution_key for entry in entries}]])
    else:
        execute(_MARK, [ids])


def listen() -> None:
    """Subscribe this connection to new messages. Repeating it is harmless."""
    execute(f"LISTEN {CHANNEL}")


def wait_for_notification(*, timeout: float) -> bool:
    """Whether a transaction that added messages has committed since `listen`. Waits at most
    `timeout` seconds for one. Raises Django's `OperationalError` if the connection is lost.

    All notifications that have arrived count as one: one look finds all their messages.
    """
    with connection.wrap_database_errors:
        # psycopg waits for the socket, but a notification may already have been read together with
        # the answer to an earlier statement.
        if connection.connection.pgconn.notifies() is not None:
            return True
        return len([*connection.connection.notifies(timeout=timeout, stop_after=1)]) > 0
