"""How long a process waits for its database.

gunicorn imports this before it has patched the standard library, so nothing here may import Django
or the driver.
"""

from dataclasses import dataclass

from shared.conf.env import Environment, OneOf, Range

SHORT = "short"
LONG = "long"
UNLIMITED = "unlimited"

# The server ends a statement that takes too long. The client's deadline is for a server that can't,
# because it is frozen or out of reach. So it comes later, and never cuts off a working server.
MARGIN_SECONDS = 2.0
# How long a statement may take on top of its wait for a lock.
BEYOND_LOCK_MS = 3000
_SHORT_STATEMENT_MS = 5000
# A worker's deadline comes before the broker misses its heartbeats.
_LONG_STATEMENT_MS = 20000


@dataclass(frozen=True, kw_only=True)
class Waits:
    """`statement_timeout_ms` is the server's limit; 0 means none. `response_timeout` is the
    client's deadline for each answer, in seconds; None means none."""

    statement_timeout_ms: int
    response_timeout: float | None


def read_lock_timeout_ms(env: Environment, service: str) -> int:
    return env.int(
        f"{service}_LOCK_TIMEOUT_MS",
        2000,
        validate=Range(min=100, max=60000),
        help="How long a request waits for an event's row lock, in milliseconds; then the response "
        "is 503.",
    )


def read_waits(env: Environment, service: str, *, lock_timeout_ms: int = 0) -> Waits:
    """`DATABASE_WAITS` says which kind of process this is.

    `short`: it answers requests. `long`, the default: a worker or a command. `unlimited`: a
    migration or a person, whose statements may take hours.
    """
    kind = env.str(
        "DATABASE_WAITS",
        LONG,
        validate=OneOf([SHORT, LONG, UNLIMITED]),
        help="How long a process waits for its database. gunicorn sets `short`; `migrate` and "
        "`shell` set `unlimited`; `long`, for workers and commands, is 20 s a statement. Set it "
        "for a single command: in `.env` it would apply to all processes.",
    )
    with_lock_ms = (lock_timeout_ms or 0) + BEYOND_LOCK_MS
    short_ms = env.int(
        f"{service}_STATEMENT_TIMEOUT_MS",
        max(_SHORT_STATEMENT_MS, with_lock_ms),
        validate=Range(min=100, max=600_000),
        help="How long one statement of a request may take, in milliseconds; then the response is "
        "503." + (" A longer lock timeout raises the default." if lock_timeout_ms else ""),
    )
    if kind == UNLIMITED:
        return Waits(statement_timeout_ms=0, response_timeout=None)
    milliseconds = max(_LONG_STATEMENT_MS, with_lock_ms)
    if kind == SHORT:
        # A bad variable is reported when the environment is sealed; until then it is None.
        milliseconds = short_ms or _SHORT_STATEMENT_MS
    return Waits(
        statement_timeout_ms=milliseconds, response_timeout=milliseconds / 1000 + MARGIN_SECONDS
    )
