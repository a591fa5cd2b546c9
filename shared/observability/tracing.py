"""W3C trace context, carried from a request to the messages that it causes.

See https://www.w3.org/TR/trace-context/. Nothing is recorded here; the trace is only passed on.
"""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")

_trace: ContextVar[tuple[str, str] | None] = ContextVar("trace", default=None)


def carry_trace(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. An invalid `traceparent` is ignored, as the standard says."""

    def handle(request: HttpRequest) -> HttpResponse:
        found = _TRACEPARENT.fullmatch(request.META.get("HTTP_TRACEPARENT", ""))
        token = _trace.set((found[1], found[2]) if found else None)
        try:
            return get_response(request)
        finally:
            _trace.reset(token)

    return handle


def trace_headers() -> dict[str, str]:
    """`traceparent` of a new step in the request's trace, or in a new trace."""
    trace_id, flags = _trace.get() or (secrets.token_hex(16), "00")
    return {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"}
