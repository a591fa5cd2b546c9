"""Titles of problems are the same under every Python."""

from http import HTTPStatus

import pytest
from rest_framework import exceptions

from shared.api.problems import BodyTooLarge, exception_handler, problem, problem_response
from shared.http.titles import title_of

# Statuses whose phrase Python 3.13 changed, in the words of RFC 9110.
CHANGED = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


@pytest.mark.parametrize("status", CHANGED)
def test_a_title_does_not_depend_on_pythons_version(status: int) -> None:
    body = problem(status=status, code="odd", detail="odd")

    assert body["title"] == CHANGED[status]


@pytest.mark.parametrize("status", [s for s in HTTPStatus if s >= 400 and s.name != "IM_A_TEAPOT"])
def test_every_error_has_a_title(status: HTTPStatus) -> None:
    assert title_of(status) == CHANGED.get(status, status.phrase)


def test_the_status_line_says_the_same_as_the_title() -> None:
    outside_drf = problem_response(status=413, code="odd", detail="odd")
    inside_drf = exception_handler({})(BodyTooLarge(), {})

    assert inside_drf is not None
    assert outside_drf.reason_phrase == inside_drf.reason_phrase == "Content Too Large"


def test_django_rest_frameworks_own_errors_have_titles() -> None:
    classes = [
        each
        for each in vars(exceptions).values()
        if isinstance(each, type) and issubclass(each, exceptions.APIException)
    ]

    assert [title_of(each.status_code) for each in classes]
    assert HTTPStatus.INTERNAL_SERVER_ERROR in {each.status_code for each in classes}
