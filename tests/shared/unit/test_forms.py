"""Forms of the pages, made from serializers."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from rest_framework import serializers

from shared.api.forms import Input, change_form, creation_form, selection
from shared.formats.fields import InstantField, MoneyField, TextField, WholeNumberField

AT = datetime(2026, 2, 20, 10, 0, 0, 123456, tzinfo=UTC)
EXAMPLE = {"name": 'a "b" <c>', "seats": 5, "price": Decimal("2500.50"), "at": AT}


class Thing(serializers.Serializer[Any]):
    name = TextField(max_length=20, help_text="Not a `number`.")
    seats = WholeNumberField(min_value=1, max_value=9, default=2)
    price = MoneyField(max_digits=6, decimal_places=2, min_value=Decimal(0), required=False)
    at = InstantField()


def creation() -> dict[str, Input]:
    form = creation_form(Thing(), EXAMPLE, title="Make", url="/things", then="/things/{id}")
    return {each.name: each for each in form.inputs}


def change() -> dict[str, Input]:
    form = change_form(Thing(), EXAMPLE, title="Change", url="/things/1", if_match='"3"')
    return {each.name: each for each in form.inputs}


def test_a_form_has_the_fields_of_the_serializer_in_their_order() -> None:
    assert list(creation()) == list(change()) == ["name", "seats", "price", "at"]


def test_a_field_is_required_where_the_api_requires_it() -> None:
    assert [each.required for each in creation().values()] == [True, False, False, True]


def test_a_field_lets_a_browser_check_what_the_api_would_refuse() -> None:
    inputs = creation()

    assert inputs["name"].attributes["maxlength"] == "20"
    assert {"min": "1", "max": "9", "step": "1"}.items() <= inputs["seats"].attributes.items()
    assert {"min": "0", "step": "0.01"}.items() <= inputs["price"].attributes.items()
    assert [each.type for each in inputs.values()] == ["text", "number", "number", "datetime-local"]


def test_a_help_text_is_for_people() -> None:
    assert creation()["name"].help_text == "Not a number."


def test_an_example_is_a_hint_but_for_times() -> None:
    inputs = creation()

    assert [each.value for each in inputs.values()] == [""] * 4
    hints = [each.attributes.get("placeholder") for each in inputs.values()]
    assert hints == ['a "b" <c>', "5", "2500.5", None]
    assert datetime.fromisoformat(inputs["at"].instant) == AT


def test_values_that_can_be_changed_are_filled_in() -> None:
    inputs = change()

    assert [each.value for each in inputs.values()] == ['a "b" <c>', "5", "2500.5", ""]
    assert datetime.fromisoformat(inputs["at"].instant) == AT
    assert not any("placeholder" in each.attributes for each in inputs.values())


def test_the_json_of_a_form_is_taken_by_its_serializer() -> None:
    form = creation_form(Thing(), EXAMPLE, title="Make", url="/things", then="")

    sent = Thing(data=json.loads(form.json, parse_float=Decimal))

    assert sent.is_valid(), sent.errors
    assert sent.validated_data == EXAMPLE


def test_the_json_of_a_change_has_only_what_can_be_changed() -> None:
    values = {**EXAMPLE, "id": 1, "version": 3}
    form = change_form(Thing(), values, title="Change", url="/things/1", if_match='"3"')

    assert list(json.loads(form.json)) == ["name", "seats", "price", "at"]


def test_a_kind_of_field_that_no_form_knows_is_not_passed_over() -> None:
    class Odd(serializers.Serializer[Any]):
        tags = serializers.ListField(child=serializers.CharField())

    with pytest.raises(TypeError, match="ListField"):
        creation_form(Odd(), {}, title="Make", url="/things", then="")


def test_a_selection_may_choose_nothing() -> None:
    assert selection("open", "Open", ["true", "false"]).choices == [
        ("", "any"),
        ("true", "true"),
        ("false", "false"),
    ]
