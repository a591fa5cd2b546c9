"""The id of a request, and what it leaves for its log line and its metrics."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from shared.auth.caller import Caller
from shared.observability.request_id import HEADER, accept, request_id
from shared.observability.requests import KEY, Seen


def identify_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware. Takes over the caller's `X-Request-ID` or makes one, and sends it back."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        number = accept(request.META.get("HTTP_X_REQUEST_ID"))
        token = request_id.set(number)
        try:
            response = get_response(request)
        finally:
            request_id.reset(token)
        response.headers[HEADER] = number
        match = request.resolver_match
        user = getattr(request, "user", None)
        request.META[KEY] = Seen(
            number,
            match.route if match else "",
            # Not `isinstance`, which would load the user of a session.
            user.identity if type(user) is Caller and user.is_authenticated else "",
            _code(response) if response.status_code >= 400 else "",
        )
        return response

    return middleware


def _code(response: HttpResponseBase) -> str:
    data = getattr(response, "data", None)
    return str(data.get("code", "")) if isinstance(data, dict) else ""
