"""From a request to an attempt, and from a reply to a response.

After draft-ietf-httpapi-idempotency-key-header.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.problems import InvalidInput
from shared.auth.caller import name_of
from shared.auth.settings import OPEN
from shared.errors import DomainError
from shared.idempotency.attempts import Attempt, Reply
from shared.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from shared.idempotency.keys import LONGEST_KEY, parse_key
from shared.json import dump_json

T = TypeVar("T")

INVALID_KEY = "invalid_idempotency_key"
INVALID_KEY_MESSAGE = f"Idempotency-Key must be one key of 1 to {LONGEST_KEY} visible characters"

STATUSES: dict[type[DomainError], HTTPStatus] = {
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    IdempotencyKeyInUse: HTTPStatus.CONFLICT,
}


def idempotency_key(request: Request) -> str | None:
    """None without the header. Raises 400 `invalid_idempotency_key`."""
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        return None
    key = parse_key(header)
    if key is None:
        raise InvalidInput(INVALID_KEY_MESSAGE, code=INVALID_KEY)
    return key


def attempt_of(
    request: Request,
    *,
    key: str,
    arguments: Mapping[str, Any],
    represent: Callable[[T], Mapping[str, Any]],
) -> Attempt[T]:
    """`arguments` are validated: what they mean is compared, not how the body was written.

    The request must have been allowed: who may ask is decided anew each time.
    """
    in_order = {name: arguments[name] for name in sorted(arguments)}
    return Attempt(
        caller=_caller(request),
        path=request.path_info,
        key=key,
        fingerprint=sha256(dump_json(in_order)).hexdigest(),
        represent=represent,
    )


def reply_response(reply: Reply) -> Response:
    """201 with the first answer's body; `Idempotency-Replayed` where it isn't the first time."""
    return Response(
        orjson.loads(reply.first.body),
        status=HTTPStatus.CREATED,
        headers={"Idempotency-Replayed": "true"} if reply.replayed else None,
    )


def _caller(request: Request) -> str:
    """Where nobody says who they are, all are one."""
    if settings.AUTH_MODE == OPEN:
        return "anybody"
    return name_of(request)
