"""Query parameters that filter a list."""

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from shared.api.filters import boolean_filter, text_filter
from shared.api.problems import InvalidInput


def request(query: str) -> Request:
    return Request(APIRequestFactory().get(f"/things?{query}"))


@pytest.mark.parametrize(("query", "chosen"), [("a=true", True), ("a=false", False), ("", None)])
def test_a_boolean_is_true_false_or_absent(query: str, chosen: bool | None) -> None:
    assert boolean_filter(request(query), "a") is chosen


@pytest.mark.parametrize("value", ["", "1", "True", "true%20", "tru%C3%A9"])
def test_any_other_boolean_is_refused_with_the_name_in_the_code(value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        boolean_filter(request(f"a={value}"), "a")

    assert refusal.value.get_codes() == "invalid_a"
    assert str(refusal.value) == "a must be true or false"


def test_a_text_comes_without_the_blanks_around_it() -> None:
    assert text_filter(request("a=%20b%20c%20"), "a", max_length=5) == "b c"
    assert text_filter(request("b=x"), "a", max_length=5) is None


@pytest.mark.parametrize("value", ["", "%20", "%00", "%07", "x%0Ay", "%E2%80%8B", "123456"])
def test_a_text_without_anything_visible_or_too_long_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        text_filter(request(f"a={value}"), "a", max_length=5)

    assert refusal.value.get_codes() == "invalid_a"
    assert str(refusal.value).startswith("a: ")
