"""Errors as RFC 9457 problem details, with `message` for clients of the reference system."""

import logging
import math
import sys
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from shared.db.errors import is_unavailable
from shared.errors import DomainError
from shared.formats.json import dump_json
from shared.http.titles import title_of
from shared.observability.request_id import request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
_TRY_AGAIN: dict[str, Any] = {
    "code": "try_again_later",
    "detail": "the service is busy, please try again",
}

ExceptionHandler = Callable[[Exception, Mapping[str, Any]], Response | None]


class InvalidInput(exceptions.APIException):
    """The request itself is at fault: a malformed id, cursor or filter."""

    status_code = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(detail=message, code=code)


class BodyTooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = "request body is too large"


def problem(
    *, status: int, code: str, detail: str, errors: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The body of a problem response. `errors` maps a field to its list of messages."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title_of(status),
        "status": int(status),
        "detail": detail,
        "code": code,
        "message": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return body


def identified(body: dict[str, Any]) -> dict[str, Any]:
    """Adds the request's id to a problem, for the response to that request."""
    if number := request_id.get():
        body["request_id"] = number
    return body


def problem_response(
    *, status: int, code: str, detail: str, retry_after: int | None = None
) -> HttpResponse:
    """A problem outside DRF: unknown paths, refusals of the server, unhandled exceptions."""
    body = identified(problem(status=status, code=code, detail=detail))
    response = HttpResponse(
        dump_json(body), status=status, content_type=CONTENT_TYPE, reason=title_of(status)
    )
    # Not every path to here passes through the middleware that would add it.
    response["Content-Length"] = str(len(response.content))
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def exception_handler(status_by_error: Mapping[type[DomainError], HTTPStatus]) -> ExceptionHandler:
    """DRF's exception handler for a service with these refusals."""

    def handle(exception: Exception, context: Mapping[str, Any]) -> Response | None:
        if isinstance(exception, DomainError):
            status = status_by_error[type(exception)]
            body = problem(status=status, code=exception.code, detail=exception.message)
            body.update(exception.members)
        elif is_unavailable(exception):
            logger.error("the database is away: %s", exception)
            body = problem(status=HTTPStatus.SERVICE_UNAVAILABLE, **_TRY_AGAIN)
        elif isinstance(exception, Http404):
            body = _from_api_exception(exceptions.NotFound())
        elif isinstance(exception, PermissionDenied):
            body = _from_api_exception(exceptions.PermissionDenied())
        elif isinstance(exception, exceptions.APIException):
            body = _from_api_exception(exception)
        else:
            return None
        response = Response(
            identified(body),
            status=body["status"],
            headers=_headers(exception, status=body["status"]),
            content_type=_content_type(context),
        )
        response.reason_phrase = body["title"]
        return response

    return handle


def _content_type(context: Mapping[str, Any]) -> str | None:
    """Problem+json, unless a browser gets the problem as a page."""
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    return None if renderer is not None and renderer.format == "api" else CONTENT_TYPE


def _headers(exception: Exception, *, status: int) -> dict[str, str]:
    if status == HTTPStatus.SERVICE_UNAVAILABLE or hasattr(exception, "retry_after"):
        return {"Retry-After": str(getattr(exception, "retry_after", RETRY_AFTER_SECONDS))}
    if isinstance(exception, exceptions.Throttled):
        return {"Retry-After": str(max(1, math.ceil(getattr(exception, "wait", None) or 0)))}
    if isinstance(exception, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        scheme = getattr(exception, "auth_header", "Session")
        return {"WWW-Authenticate": getattr(exception, "challenge", scheme)}
    return {}


def _from_api_exception(exception: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exception, exceptions.ValidationError):
        errors = _errors_by_field(exception.detail)
        return problem(
            status=exception.status_code,
            code="invalid_input",
            detail=_one_sentence(errors),
            errors=errors,
        )
    codes = exception.get_codes()
    return problem(
        status=exception.status_code,
        code=codes if isinstance(codes, str) else exception.default_code,
        detail=str(exception.detail),
    )


def _errors_by_field(detail: Any) -> dict[str, list[str]]:
    if isinstance(detail, dict | ReturnDict):
        return {
            str(field): [str(message) for message in _flat(messages)]
            for field, messages in detail.items()
        }
    return {"non_field_errors": [str(message) for message in _flat(detail)]}


def _flat(messages: Any) -> list[Any]:
    if isinstance(messages, dict):
        messages = list(messages.values())
    if isinstance(messages, list):
        return [leaf for message in messages for leaf in _flat(message)]
    return [messages]


def _one_sentence(errors: Mapping[str, list[str]]) -> str:
    return "; ".join(
        message if field == "non_field_errors" or field in message else f"{field}: {message}"
        for field, messages in errors.items()
        for message in messages
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(
        status=HTTPStatus.BAD_REQUEST, code="bad_request", detail="the request is malformed"
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(
        status=HTTPStatus.FORBIDDEN, code="permission_denied", detail="not allowed"
    )


def method_not_allowed(request: HttpRequest, *, allowed: Collection[str]) -> HttpResponse:
    response = problem_response(
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        code="method_not_allowed",
        detail=f'Method "{request.method}" not allowed.',
    )
    response["Allow"] = ", ".join(allowed)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem_response(status=HTTPStatus.FORBIDDEN, code="csrf_failed", detail=reason)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/admin/"):
        return defaults.page_not_found(request, exception)
    return problem_response(
        status=HTTPStatus.NOT_FOUND, code="not_found", detail="there is nothing at this path"
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the exception is handled. Queries by Django itself, such as for a logged-in
    user's session, fail here and not in REST framework."""
    if is_unavailable(sys.exception()):
        return problem_response(
            status=HTTPStatus.SERVICE_UNAVAILABLE, **_TRY_AGAIN, retry_after=RETRY_AFTER_SECONDS
        )
    return problem_response(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal_error",
        detail="something went wrong on our side; it has been logged",
    )
