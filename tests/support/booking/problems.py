"""Checks that a response is a problem."""

import json
from collections.abc import Set
from typing import Any

from django.http import HttpResponse

from shared.http.titles import title_of


def assert_problem(
    response: HttpResponse, status: int, *, code: str | None = None, more: Set[str] = frozenset()
) -> Any:
    """`response` is an RFC 9457 problem of this status (and code); returns its body. `more` are the
    members that it may have besides those of all problems."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["type"] == "about:blank"
    assert body["title"] == title_of(status)
    assert body["status"] == status
    assert body["detail"]
    assert body["message"] == body["detail"]
    assert body["code"]
    if code is not None:
        assert body["code"] == code
    assert body.get("request_id") == response.headers.get("X-Request-ID")
    known = {"type", "title", "status", "detail", "code", "message", "errors", "request_id"}
    assert body.keys() <= known | more
    return body
