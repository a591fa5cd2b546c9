"""What handlers of messages have in common."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from rest_framework import serializers
from rest_framework.fields import SkipField, empty

from shared.db.errors import is_outage, is_timeout
from shared.formats.json import load_json
from shared.messaging.errors import BadMessage, HandlerUnavailable, TryLater
from shared.messaging.incoming import IncomingMessage

T = TypeVar("T")


class FlatMessage(serializers.Serializer[T]):
    """A body whose members have the names of the fields. Reads it without what REST framework does
    per field for nested and renamed ones, HTML forms and methods of the serializer."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            return cast("dict[str, Any]", super().to_internal_value(data))
        values, errors = {}, {}
        for name, field in self.fields.items():
            try:
                values[name] = field.run_validation(data.get(name, empty))
            except serializers.ValidationError as error:
                errors[name] = error.detail
            except SkipField:
                pass
        if errors:
            raise serializers.ValidationError(errors)
        return values


def decode(
    message: IncomingMessage, form_class: type[serializers.Serializer[Any]], *, what: str
) -> dict[str, Any]:
    """The validated body. Raises `BadMessage`, which says that it is not `what`."""
    try:
        body = load_json(message.body)
    except ValueError as error:
        raise BadMessage(f"not JSON: {error}") from error
    try:
        return cast("dict[str, Any]", _form(form_class).run_validation(body))
    except serializers.ValidationError as error:
        raise BadMessage(f"not {what}: {error.detail}") from error


@functools.cache
def _form(form_class: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Building the fields takes longer than validating with them, and they keep no data."""
    return form_class()


@contextmanager
def database() -> Iterator[None]:
    """Raises what a handler has to raise if the database fails: `HandlerUnavailable` if it serves
    nobody, `TryLater` if this work took too long.

    Leaves a working connection for the next message, whatever happened.
    """
    close_old_connections()
    try:
        yield
    except DatabaseError as error:
        connection.close()
        if is_outage(error):
            raise HandlerUnavailable(f"the database is away: {error}") from error
        if is_timeout(error):
            raise TryLater(f"the database took too long: {error}") from error
        raise
    except Exception:
        connection.close()
        raise
