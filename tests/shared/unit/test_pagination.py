"""Limits and cursors. Tests with rows check how pages follow each other."""

import base64

import pytest
from django.contrib.contenttypes.models import ContentType
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from shared.api.ids import LARGEST_ID
from shared.api.pagination import paged_response
from shared.api.problems import InvalidInput


def page(**query: str) -> Response:
    request = Request(APIRequestFactory().get("/things", query))
    return paged_response(request, ContentType.objects.none(), fields=["id"])


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("limit", ["1", "100", "1000", "0001"])
def test_a_limit_from_1_to_1000_is_accepted(limit: str) -> None:
    assert page(limit=limit).data == []


@pytest.mark.parametrize(
    "limit", ["0", "1001", "-1", "", " 1", "1 ", "\u0665", "1.0", "abc", "9" * 5000]
)
def test_any_other_limit_is_refused(limit: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        page(limit=limit)

    assert refusal.value.get_codes() == "invalid_limit"


@pytest.mark.parametrize(
    "position", ["after:0", "after:5", "before:5", f"after:{LARGEST_ID}", "after:" + "9" * 19]
)
def test_our_cursors_are_accepted_with_and_without_padding(position: str) -> None:
    padded = base64.urlsafe_b64encode(position.encode()).decode()

    assert page(cursor=cursor(position)).data == page(cursor=padded).data == []


@pytest.mark.parametrize(
    "position",
    ["", "after", "after:", "after:-1", "after:1x", "after:\u0661", "at:1", "after:" + "9" * 20],
)
def test_a_foreign_cursor_is_refused(position: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        page(cursor=cursor(position))

    assert refusal.value.get_codes() == "invalid_cursor"


@given(st.text())
def test_any_text_as_a_cursor_is_refused_cleanly(text: str) -> None:
    with pytest.raises(InvalidInput):
        page(cursor=text)
