"""Counting, in statements that two processes can run at the same time without losing a count."""

from datetime import timedelta
from typing import Any

from django.db import connection

from shared.limits.rate import Rate

# The generic cell rate algorithm: one time per caller instead of a list of requests, and no window
# at whose border twice as many get through. It uses the server's clock, which all processes share.
_SPEND = """
    INSERT INTO limits_budget AS budget (caller, spent_until)
    VALUES (%(caller)s, clock_timestamp() + %(cost)s)
        ON CONFLICT (caller) DO UPDATE
       SET spent_until = greatest(budget.spent_until, clock_timestamp()) + %(cost)s
     WHERE budget.spent_until <= clock_timestamp() + %(period)s - %(cost)s
 RETURNING true
"""
_WAIT = """
    SELECT spent_until + %(cost)s - %(period)s - clock_timestamp()
      FROM limits_budget WHERE caller = %(caller)s
"""
_FORGET = """
    DELETE FROM limits_budget WHERE caller IN (
        SELECT caller FROM limits_budget WHERE spent_until < clock_timestamp()
         LIMIT 10000 FOR UPDATE SKIP LOCKED)
"""


def spend(*, caller: str, rate: Rate) -> timedelta | None:
    """Count one write. None means that it may be done. Otherwise it is not counted, and may be done
    after this time at the earliest. Locks the caller's row for the one statement."""
    values: dict[str, Any] = {
        "caller": caller,
        "cost": rate.cost,
        "period": rate.period,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, values)
        if cursor.fetchone():
            return None
        cursor.execute(_WAIT, values)
        found = cursor.fetchone()
    wait: timedelta = found[0] if found else timedelta()
    return max(wait, timedelta())


def forget_idle() -> None:
    """Delete the rows of callers whose whole budget is available again."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
