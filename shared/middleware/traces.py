"""The caller's trace, for a service that records none."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from shared.observability.tracing import PassedOn, step


def carry_trace(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. An invalid `traceparent` is ignored, as the standard says."""

    def handle(request: HttpRequest) -> HttpResponse:
        token = step.set(PassedOn.of(request.META.get("HTTP_TRACEPARENT", "")))
        try:
            return get_response(request)
        finally:
            step.reset(token)

    return handle
