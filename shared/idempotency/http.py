"""From the header to a request that is done once, and from its result to a response.

After draft-ietf-httpapi-idempotency-key-header.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.problems import InvalidInput
from shared.auth.caller import caller_of
from shared.errors import DomainError
from shared.formats.json import dump_json
from shared.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from shared.idempotency.keys import LONGEST_KEY, parse_key
from shared.idempotency.requests import IdempotentRequest, Result

T = TypeVar("T")

INVALID_KEY = "invalid_idempotency_key"
INVALID_KEY_MESSAGE = f"Idempotency-Key must be one key of 1 to {LONGEST_KEY} visible characters"

STATUSES: dict[type[DomainError], HTTPStatus] = {
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    IdempotencyKeyInUse: HTTPStatus.CONFLICT,
}


def idempotent_request(
    request: Request, *, arguments: Mapping[str, Any], distribution_key: int = 0
) -> IdempotentRequest | None:
    """None without the header. Raises 400 `invalid_idempotency_key`.

    `arguments` are validated: requests are compared by what they mean, not by how the body was
    written. Check permissions first: a repeated request must be allowed as well. If the API is
    open, all callers count as the same one.
    """
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        return None
    key = parse_key(header)
    if key is None:
        raise InvalidInput(INVALID_KEY_MESSAGE, code=INVALID_KEY)
    in_order = {name: arguments[name] for name in sorted(arguments)}
    return IdempotentRequest(
        caller=caller_of(request).identity,
        path=request.path_info,
        key=key,
        fingerprint=sha256(dump_json(in_order)).hexdigest(),
        distribution_key=distribution_key,
    )


def created_response(
    result: Result[T],
    represent: Callable[[T], Any],
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """201 with the result; `Idempotency-Replayed` if an earlier request did the work."""
    replayed = {"Idempotency-Replayed": "true"} if result.replayed else {}
    return Response(
        represent(result.value),
        status=HTTPStatus.CREATED,
        headers={**(headers or {}), **replayed},
    )
