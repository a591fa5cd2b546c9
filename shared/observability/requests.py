"""What a request leaves in its WSGI environment for its log line, its metrics and its span."""

from typing import NamedTuple

KEY = "reservation.seen"
# Only if traces are recorded.
TRACE_ID = "reservation.trace_id"


class Seen(NamedTuple):
    """`route` is the URL pattern, empty if none matched. `caller` is empty if nobody in particular
    called. `code` is that of a problem document."""

    request_id: str = ""
    route: str = ""
    caller: str = ""
    code: str = ""


NOTHING = Seen()
