"""What handlers of messages have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from rest_framework import serializers

from shared.db.errors import is_outage, is_timeout
from shared.formats.json import load_json
from shared.messaging.consumer import HandlerUnavailable, IncomingMessage, TryLater
from shared.messaging.errors import BadMessage


def decode(
    message: IncomingMessage, form_class: type[serializers.Serializer[Any]], *, what: str
) -> dict[str, Any]:
    """The validated body. Raises `BadMessage`, which says that it is not `what`."""
    try:
        body = load_json(message.body)
    except ValueError as error:
        raise BadMessage(f"not JSON: {error}") from error
    form = form_class(data=body)
    if not form.is_valid():
        raise BadMessage(f"not {what}: {dict(form.errors)}")
    return cast("dict[str, Any]", form.validated_data)


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
