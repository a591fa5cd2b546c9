"""One statement for all requests of a transaction, and a lock for requests that have no row yet."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import connection

from shared.db.round_trips import execute
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
         LIMIT 1
     ) AS found
"""
_INSERT = """
    INSERT INTO idempotency_idempotencyrecord AS record
           (caller, path, key, fingerprint, response)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        ON CONFLICT (caller, path, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, response = excluded.response,
           created_at = excluded.created_at
     WHERE record.created_at <= clock_timestamp() - %s::interval
"""


def select_results(scopes: Collection[Scope], *, retention: timedelta) -> dict[Scope, StoredResult]:
    """The results that were stored within the `retention`, by scope."""
    return {
        (caller, path, key): StoredResult(fingerprint=fingerprint, body=body)
        for caller, path, key, fingerprint, body in execute(_SELECT, _parameters(scopes, retention))
    }


def insert_results(rows: Sequence[tuple[str, str, str, str, str]], *, retention: timedelta) -> int:
    """Rows are caller, path, key, fingerprint and body. Overwrites records that are older than the
    `retention`, and no others. Returns how many were stored."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, _parameters(rows, retention))
        stored: int = cursor.rowcount
    return stored


def try_advisory_lock(scope: Scope) -> bool:
    """Whether the current transaction now holds the scope's lock, until it ends. Never waits."""
    number = int.from_bytes(sha256(dump_json(scope)).digest()[:8], signed=True)
    [(locked,)] = execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
    return bool(locked)


def _parameters(rows: Collection[tuple[str, ...]], retention: timedelta) -> list[Any]:
    return [*(list(column) for column in zip(*rows, strict=True)), retention]
