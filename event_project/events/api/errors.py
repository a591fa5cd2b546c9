"""The HTTP status of each refusal."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from event_project.events.errors import (
    BookingEndsTooEarly,
    EndsTooEarly,
    EventCancelled,
    EventHasChanged,
    EventNotFound,
)
from shared.api import problems
from shared.db.constraints import words_for
from shared.errors import DomainError
from shared.idempotency import http as idempotency

STATUSES: dict[type[DomainError], HTTPStatus] = {
    EventNotFound: HTTPStatus.NOT_FOUND,
    EventCancelled: HTTPStatus.CONFLICT,
    EventHasChanged: HTTPStatus.PRECONDITION_FAILED,
    **idempotency.STATUSES,
}

_handle = problems.exception_handler(STATUSES)


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    if isinstance(exception, BookingEndsTooEarly | EndsTooEarly):
        # Reported like any other bad field value.
        exception = ValidationError({exception.field: [exception.message]})
    elif isinstance(exception, IntegrityError) and (words := words_for(exception)):
        exception = ValidationError([words])
    return _handle(exception, context)
