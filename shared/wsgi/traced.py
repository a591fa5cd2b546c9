"""A span for each request. Import it only where traces are recorded."""

from collections.abc import Callable, Iterable
from typing import Any

from shared.observability.http_metrics import METHODS
from shared.observability.recording import SERVER, Remote, Span, span
from shared.observability.requests import KEY, NOTHING, TRACE_ID
from shared.observability.tracing import trace_id_of
from shared.wsgi.chunked import WSGIApplication

# Asked by machines, again and again.
_UNRECORDED = ("/health", "/metrics", "/static/")


def record_requests(application: WSGIApplication) -> WSGIApplication:
    def recorded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(_UNRECORDED):
            return application(environ, start_response)
        method = environ["REQUEST_METHOD"]
        method = method if method in METHODS else "_OTHER"
        with span(
            method,
            kind=SERVER,
            parent=Remote.of(environ.get("HTTP_TRACEPARENT")),
            attributes={"http.request.method": method, "url.path": path},
        ) as request:
            environ[TRACE_ID] = trace_id_of(request)

            def start(status: str, *rest: Any) -> Any:
                _note_status(request, int(status[:3]))
                return start_response(status, *rest)

            answer = application(environ, start)
            seen = environ.get(KEY, NOTHING)
            if seen.route:
                request.name(f"{method} /{seen.route}")
                request.note("http.route", f"/{seen.route}")
            request.note("reservation.request_id", seen.request_id)
            return answer

    return recorded


def _note_status(request: Span, status: int) -> None:
    request.note("http.response.status_code", status)
    if status >= 500:
        request.fail(str(status))
