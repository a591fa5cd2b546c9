"""How the OpenAPI schema describes operations that can be repeated safely."""

from http import HTTPStatus

from drf_spectacular.utils import OpenApiParameter

from shared.api.problems import InvalidInput
from shared.api.schema import raised, refused
from shared.idempotency.errors import IdempotencyKeyInUse
from shared.idempotency.http import INVALID_KEY, INVALID_KEY_MESSAGE, STATUSES
from shared.idempotency.keys import LONGEST_KEY

PARAMETERS = [
    OpenApiParameter(
        "Idempotency-Key",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_KEY,
            # Bare or in double quotes: what `parse_key` takes.
            "pattern": r'^([!#-+\x2d-~]+|"([!#-\[\]-~]|\\["\\])+")$',
        },
        OpenApiParameter.HEADER,
        description=(
            "A value that you use for this request only, such as a UUID. If the response is lost, "
            "send the request again with the same key: it is not carried out twice."
        ),
    ),
    OpenApiParameter(
        "Idempotency-Replayed",
        {"type": "string", "enum": ["true"]},
        OpenApiParameter.HEADER,
        response=[int(HTTPStatus.CREATED)],
        description="Sent if this is the response to an earlier request with the same key.",
    ),
    OpenApiParameter(
        "Retry-After",
        {"type": "integer", "minimum": 1},
        OpenApiParameter.HEADER,
        response=[int(STATUSES[IdempotencyKeyInUse])],
        description=f"Only with `{IdempotencyKeyInUse.code}`: how many seconds to wait.",
    ),
]
REFUSALS = [
    raised(InvalidInput(INVALID_KEY_MESSAGE, code=INVALID_KEY)),
    *(refused(error, STATUSES) for error in STATUSES),
]
