"""Problem documents, made from exceptions."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from shared.api.problems import exception_handler, problem, problem_response
from shared.errors import DomainError


class SoldOut(DomainError):
    code = "sold_out"
    message = "nothing is left"


class Busy(DomainError):
    code = "busy"
    message = "please wait"


handle = exception_handler({SoldOut: HTTPStatus.CONFLICT, Busy: HTTPStatus.SERVICE_UNAVAILABLE})


def handled(exception: Exception) -> Response:
    response = handle(exception, {})
    assert response is not None
    assert response.content_type == "application/problem+json"
    assert response.data["status"] == response.status_code
    assert response.data["message"] == response.data["detail"]
    return response


def test_a_problem_has_the_members_of_the_rfc_and_ours() -> None:
    assert problem(status=409, code="sold_out", detail="nothing is left") == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "nothing is left",
        "code": "sold_out",
        "message": "nothing is left",
    }


def test_a_refusal_gets_its_status_code_and_sentence() -> None:
    response = handled(SoldOut())

    assert response.status_code == 409
    assert (response.data["code"], response.data["message"]) == ("sold_out", "nothing is left")
    assert "Retry-After" not in response.headers


def test_a_busy_service_says_when_to_retry() -> None:
    response = handled(Busy())

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.NotAuthenticated(), 403, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
    ],
)
def test_the_frameworks_own_refusals_become_problems(
    exception: Exception, status: int, code: str
) -> None:
    if isinstance(exception, exceptions.NotAuthenticated):
        exception.status_code = 403  # DRF's status if no scheme has a challenge
    response = handled(exception)

    assert (response.status_code, response.data["code"]) == (status, code)


def test_an_unexpected_exception_is_left_to_django() -> None:
    assert handle(ZeroDivisionError(), {}) is None


@pytest.mark.parametrize(
    ("detail", "errors", "sentence"),
    [
        ({"name": ["name is required"]}, {"name": ["name is required"]}, "name is required"),
        ({"name": ["too long"]}, {"name": ["too long"]}, "name: too long"),
        (["odd"], {"non_field_errors": ["odd"]}, "odd"),
        ({"a": ["x"], "b": ["y", "z"]}, {"a": ["x"], "b": ["y", "z"]}, "a: x; b: y; b: z"),
        ({"a": {"b": ["x"]}}, {"a": ["x"]}, "a: x"),
        ({"a": [{}, {"b": ["x"]}]}, {"a": ["x"]}, "a: x"),
    ],
)
def test_validation_errors_are_listed_by_field_and_summed_up_in_a_sentence(
    detail: Any, errors: dict[str, list[str]], sentence: str
) -> None:
    response = handled(exceptions.ValidationError(detail))

    assert response.status_code == 400
    assert response.data["code"] == "invalid_input"
    assert response.data["errors"] == errors
    assert response.data["message"] == sentence


def test_a_problem_outside_drf_is_the_same_document() -> None:
    response = problem_response(status=503, code="busy", detail="please wait", retry_after=7)

    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "7"
    assert json.loads(response.content) == problem(status=503, code="busy", detail="please wait")
