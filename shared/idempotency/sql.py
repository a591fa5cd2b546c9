"""One statement for all requests of a transaction, and a lock for requests that have no row yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import connection

from shared.db.round_trips import Row, Statement, execute, execute_together
from shared.formats.json import dump_json
from shared.idempotency.requests import Scope, StoredResult

# One probe of the unique index for each key, whatever the planner believes about the table.
_SELECT = """
    SELECT wanted.caller, wanted.path, wanted.key, found.fingerprint, found.response
      FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (caller, path, key)
     CROSS JOIN LATERAL (
        SELECT record.fingerprint, record.response
          FROM idempotency_idempotencyrecord AS record
         WHERE record.caller = wanted.caller AND record.path = wanted.path
           AND record.key = wanted.key AND record.created_at > clock_timestamp() - %s::interval
         {with_key} LIMIT 1
     ) AS found
"""
_SELECT_ANYWHERE = _SELECT.format(with_key="")
_SELECT_WITH_KEY = _SELECT.format(with_key="AND record.distribution_key = %s")
# The constraint's columns differ where the table is distributed. Two times are subtracted and then
# compared because a cluster allows nothing else here that depends on a clock or a time zone.
_INSERT = """
    INSERT INTO idempotency_idempotencyrecord AS record
           (distribution_key, caller, path, key, fingerprint, response)
    {rows}
        ON CONFLICT ON CONSTRAINT idempotency_one_answer_per_key DO UPDATE
       SET fingerprint = excluded.fingerprint, response = excluded.response,
           created_at = excluded.created_at
     WHERE excluded.created_at - record.created_at >= %s::interval
"""
_FROM_ARRAYS = (
    "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
)


def select_results(scopes: Collection[Scope], *, retention: timedelta) -> dict[Scope, StoredResult]:
    """The results that were stored within the `retention`, by scope."""
    return _results(execute(_SELECT_ANYWHERE, _parameters(scopes, retention)))


def select_results_apart(
    scopes: Mapping[int, Collection[Scope]], *, retention: timedelta
) -> dict[Scope, StoredResult]:
    """`select_results` by distribution key: a statement for each, in one round trip."""
    statements = [
        Statement(_SELECT_WITH_KEY, [*_parameters(of_key, retention), key])
        for key, of_key in scopes.items()
    ]
    return _results(chain.from_iterable(execute_together(statements)))


def _results(rows: Iterable[Row]) -> dict[Scope, StoredResult]:
    return {
        (caller, path, key): StoredResult(fingerprint=fingerprint, body=body)
        for caller, path, key, fingerprint, body in rows
    }


def insert_results(
    rows: Sequence[tuple[int, str, str, str, str, str]], *, retention: timedelta
) -> int:
    """Rows are distribution key, caller, path, key, fingerprint and body. Overwrites records that
    are older than the `retention`, and no others. Returns how many were stored."""
    if settings.DISTRIBUTED:  # rows from arrays would be collected before they are sent on
        values = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows))
        sql = _INSERT.format(rows=f"VALUES {values}")
        parameters: list[Any] = [*chain.from_iterable(rows), retention]
    else:
        sql, parameters = _INSERT.format(rows=_FROM_ARRAYS), _parameters(rows, retention)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        stored: int = cursor.rowcount
    return stored


def try_advisory_lock(scope: Scope) -> bool:
    """Whether the current transaction now holds the scope's lock, until it ends. Never waits."""
    number = int.from_bytes(sha256(dump_json(scope)).digest()[:8], signed=True)
    [(locked,)] = execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
    return bool(locked)


def _parameters(rows: Collection[tuple[Any, ...]], retention: timedelta) -> list[Any]:
    return [*(list(column) for column in zip(*rows, strict=True)), retention]
