"""Errors as RFC 9457 problem details, with `message` for clients of the reference system."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from shared.errors import DomainError
from shared.json import dump_json

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1

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
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "message": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return body


def problem_response(
    *, status: int, code: str, detail: str, retry_after: int | None = None
) -> HttpResponse:
    """A problem outside DRF: unknown paths, refusals of the server, unhandled exceptions."""
    body = problem(status=status, code=code, detail=detail)
    response = HttpResponse(dump_json(body), status=status, content_type=CONTENT_TYPE)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def exception_handler(status_by_error: Mapping[type[DomainError], HTTPStatus]) -> ExceptionHandler:
    """DRF's exception handler for a service with these refusals."""

    def handle(exception: Exception, context: Mapping[str, Any]) -> Response | None:
        if isinstance(exception, DomainError):
            status = status_by_error[type(exception)]
            body = problem(status=status, code=exception.code, detail=exception.message)
            headers = {}
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)
        if isinstance(exception, OperationalError | InterfaceError):
            logger.error("the database is away: %s", exception)
            return _unavailable()
        if isinstance(exception, Http404):
            exception = exceptions.NotFound()
        elif isinstance(exception, PermissionDenied):
            exception = exceptions.PermissionDenied()
        if isinstance(exception, exceptions.APIException):
            return _from_api_exception(exception)
        return None

    return handle


def _unavailable() -> Response:
    body = problem(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        code="try_again_later",
        detail="the service is busy, please try again",
    )
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _from_api_exception(exception: exceptions.APIException) -> Response:
    status = exception.status_code
    if isinstance(exception, exceptions.ValidationError):
        errors = _errors_by_field(exception.detail)
        body = problem(
            status=status, code="invalid_input", detail=_one_sentence(errors), errors=errors
        )
    else:
        codes = exception.get_codes()
        code = codes if isinstance(codes, str) else exception.default_code
        body = problem(status=status, code=code, detail=str(exception.detail))
    headers = {}
    if isinstance(exception, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] = getattr(exception, "auth_header", "Session")
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


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


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem_response(status=HTTPStatus.FORBIDDEN, code="csrf_failed", detail=reason)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/admin/"):
        return defaults.page_not_found(request, exception)
    return problem_response(
        status=HTTPStatus.NOT_FOUND, code="not_found", detail="there is nothing at this path"
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal_error",
        detail="something went wrong on our side; it has been logged",
    )
