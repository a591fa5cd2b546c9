"""Forms on the pages for people, made from the API's serializers and filters.

`shared_api/page.html` shows them and `shared_api/page.js` sends them as JSON: the API itself
accepts nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from shared.formats.fields import InstantField, MoneyField
from shared.formats.json import dump_json


@dataclass(frozen=True, kw_only=True)
class Input:
    """One field. `attributes` are those of the HTML element; with `choices` it is a selection.

    `instant` is the value of a time, in RFC 3339. The browser decides how to show it, because only
    the browser knows the user's time zone.
    """

    name: str
    label: str
    type: str = "text"
    value: str = ""
    instant: str = ""
    help_text: str = ""
    required: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Form:
    """What can be done from a page.

    `then` is where it leads when it is done, with `{id}` for the id in the answer; if empty, to the
    same page again. `question` is asked first. `if_match` goes into the header of that name.
    """

    title: str
    button: str
    method: str
    url: str
    inputs: Sequence[Input] = ()
    json: str = ""
    then: str = ""
    question: str = ""
    if_match: str = ""

    @property
    def destroys(self) -> bool:
        return bool(self.question)


def creation_form(
    serializer: serializers.Serializer[Any],
    example: Mapping[str, Any],
    *,
    title: str,
    url: str,
    then: str,
) -> Form:
    """Times from the example are filled in; the rest of it is shown as hints only."""
    return Form(
        title=title,
        button=title,
        method="POST",
        url=url,
        inputs=[
            _input(name, each, example.get(name), is_hint=not isinstance(each, InstantField))
            for name, each in serializer.fields.items()
        ],
        json=_readable(example),
        then=then,
    )


def change_form(
    serializer: serializers.Serializer[Any],
    values: Mapping[str, Any],
    *,
    title: str,
    url: str,
    if_match: str,
) -> Form:
    """Filled in with the `values`. Unchanged fields are not sent."""
    fields = dict(serializer.fields.items())
    return Form(
        title=title,
        button="Save",
        method="PATCH",
        url=url,
        inputs=[_input(name, each, values[name], is_hint=False) for name, each in fields.items()],
        json=_readable({name: values[name] for name in fields}),
        if_match=if_match,
    )


def selection(name: str, label: str, choices: Sequence[str]) -> Input:
    """A filter: one of `choices`, or any."""
    return Input(
        name=name, label=label, choices=[("", "any"), *((choice, choice) for choice in choices)]
    )


def _readable(data: Mapping[str, Any]) -> str:
    return dump_json(data, indented=True).decode()


_Attributes = Callable[[Any], Mapping[str, str]]


def _of_text(field: serializers.CharField) -> Mapping[str, str]:
    return {"type": "text", "maxlength": str(field.max_length)}


def _of_number(field: serializers.IntegerField | MoneyField) -> Mapping[str, str]:
    places = (field.decimal_places or 0) if isinstance(field, MoneyField) else 0
    limits = {"min": field.min_value, "max": field.max_value, "step": 10**-places}
    shown = {name: str(limit) for name, limit in limits.items() if limit is not None}
    return {"type": "number", **shown}


def _of_instant(field: InstantField) -> Mapping[str, str]:
    return {"type": "datetime-local", "step": "1"}


_KINDS: Sequence[tuple[type[serializers.Field[Any, Any, Any, Any]], _Attributes]] = [
    (serializers.CharField, _of_text),
    (serializers.IntegerField, _of_number),
    (MoneyField, _of_number),
    (InstantField, _of_instant),
]


def _attributes(field: serializers.Field[Any, Any, Any, Any]) -> Mapping[str, str]:
    for kind, attributes_of in _KINDS:
        if isinstance(field, kind):
            return attributes_of(field)
    raise TypeError(f"no form has a field for a {type(field).__name__}")


def _input(
    name: str, field: serializers.Field[Any, Any, Any, Any], value: Any, *, is_hint: bool
) -> Input:
    attributes = dict(_attributes(field))
    text = "" if value is None else _text(value)
    is_instant = isinstance(value, datetime)
    if is_hint:
        attributes["placeholder"] = text
    return Input(
        name=name,
        label=str(field.label),
        type=attributes.pop("type"),
        value="" if is_hint or is_instant else text,
        instant=text if is_instant else "",
        help_text=str(field.help_text or "").replace("`", ""),
        required=bool(field.required),
        attributes=attributes,
    )


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if isinstance(value, str) else dump_json(value).decode()
