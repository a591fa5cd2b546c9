"""Our base of views answers as REST framework's does."""

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from rest_framework import views
from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.problems import InvalidInput
from shared.api.views import APIView


def _answer(base: type[views.APIView], request: HttpRequest) -> Any:
    class Sample(base):  # type: ignore[misc, valid-type]  # mypy wants to know the base
        """Has all that a view of this API has."""

        def get(self, request: Request) -> Response:
            return Response({"user": str(request.user)}, headers={"Vary": "Origin"})

        def post(self, request: Request) -> Response:
            return Response(request.data, status=201)

        def delete(self, request: Request) -> Response:
            raise InvalidInput("invalid event id", code="invalid_event_id")

    response: HttpResponse = Sample.as_view()(request).render()
    headers = dict(response.headers)
    vary = {name.strip() for name in headers.pop("Vary").split(",")}
    return response.status_code, headers, vary, response.content


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/*", "text/plain"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_status_headers_and_body_are_the_same(method: str, accept: str | None) -> None:
    def request() -> HttpRequest:
        headers = {} if accept is None else {"accept": accept}
        body = json.dumps({"name": "Concert"})
        return RequestFactory().generic(
            method, "/sample", body, content_type="application/json", headers=headers
        )

    assert _answer(APIView, request()) == _answer(views.APIView, request())


def test_an_answer_to_one_caller_is_not_for_caches() -> None:
    class Private(APIView):
        is_private = True

        def get(self, request: Request) -> Response:
            return Response()

    response = Private.as_view()(RequestFactory().get("/private"))

    assert response["Cache-Control"] == "no-store"
    assert response["Vary"] == "Accept, Authorization, Cookie"
