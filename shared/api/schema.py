"""Building blocks of the OpenAPI schemas: how an operation is described, with all its refusals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from itertools import groupby
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers

from shared.api import problems
from shared.api.pagination import DEFAULT_LIMIT, MAX_LIMIT
from shared.auth.errors import InvalidToken, KeysUnavailable
from shared.auth.other_sites import CrossOrigin
from shared.errors import DomainError
from shared.formats.fields import VISIBLE_LINES, VISIBLE_TEXT
from shared.http.titles import title_of

F = TypeVar("F", bound=Callable[..., Any])
Serializer = type[serializers.Serializer[Any]] | serializers.BaseSerializer[Any]

ID: Mapping[str, Any] = {"type": "integer", "format": "int64", "minimum": 1}


class Problem(serializers.Serializer[Any]):
    """Why a call was refused (RFC 9457)."""

    type = serializers.CharField(help_text="Always `about:blank`.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField(min_value=400, max_value=599)
    detail = serializers.CharField(help_text="A sentence for people. It may change.")
    code = serializers.CharField(help_text="For programs. It does not change.")
    message = serializers.CharField(help_text="The same as `detail`.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field takes this name's place
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="With the code `invalid_input`: what is wrong with each field.",
    )
    request_id = serializers.CharField(
        required=False, help_text="That of the response's `X-Request-ID`; the log has it too."
    )


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One way in which an operation refuses a call."""

    status: HTTPStatus
    code: str
    message: str
    errors: Mapping[str, Sequence[str]] | None = None

    @property
    def example(self) -> OpenApiExample:
        return OpenApiExample(
            self.code,
            summary=self.message,
            value=problems.problem(
                status=self.status, code=self.code, detail=self.message, errors=self.errors
            ),
            media_type=problems.CONTENT_TYPE,
            response_only=True,
            status_codes=[str(int(self.status))],
        )


def refused(error: type[DomainError], statuses: Mapping[type[DomainError], HTTPStatus]) -> Refusal:
    """The status comes from the service's own table, so the schema can't differ from it."""
    return Refusal(status=statuses[error], code=error.code, message=error.message)


def raised(error: exceptions.APIException) -> Refusal:
    """What callers are told if a view or REST framework raises it."""
    return Refusal(
        status=HTTPStatus(error.status_code), code=str(error.get_codes()), message=str(error.detail)
    )


def invalid_id(what: str) -> Refusal:
    return raised(problems.InvalidInput(f"invalid {what} id", code=f"invalid_{what}_id"))


def invalid_input(errors: Mapping[str, Sequence[str]], *, message: str) -> Refusal:
    """`message` is that of `errors`, in one sentence."""
    return Refusal(
        status=HTTPStatus.BAD_REQUEST, code="invalid_input", message=message, errors=errors
    )


_BROKEN_JSON = raised(
    exceptions.ParseError(
        "the body is not valid JSON: unexpected end of data: line 1 column 10 (char 9)"
    )
)
_BODY_TOO_LARGE = raised(problems.BodyTooLarge())
_NOT_JSON = raised(exceptions.UnsupportedMediaType("text/plain"))
_BAD_TOKEN = [
    raised(InvalidToken("the token has expired", code="token_expired")),
    raised(InvalidToken("the signature of the token is wrong")),
]
_NO_TOKEN = raised(exceptions.NotAuthenticated())
_NOT_ALLOWED = raised(exceptions.PermissionDenied())
_CROSS_ORIGIN = raised(CrossOrigin())
_NOT_ACCEPTABLE = raised(exceptions.NotAcceptable())
TOO_OFTEN = raised(exceptions.Throttled(wait=12))
_AWAY = [
    Refusal(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        code="try_again_later",
        message="the service is busy, please try again",
    ),
    raised(KeysUnavailable(retry_after=1)),
]
_BAD_PAGE = [
    raised(
        problems.InvalidInput(
            f"limit must be a whole number from 1 to {MAX_LIMIT}", code="invalid_limit"
        )
    ),
    raised(problems.InvalidInput("cursor was not issued by this API", code="invalid_cursor")),
]


class Access(Enum):
    """Who may call an operation if tokens are required."""

    EVERYBODY = "everybody"
    SIGNED_IN = "signed in"
    ADMINS = "admins"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The response to a call that isn't refused. Examples of a list are examples of its items."""

    body: Serializer
    description: str
    examples: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK


def path_id(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, dict(ID), OpenApiParameter.PATH, description=description)


def operation(
    operation_id: str,
    *,
    tag: str,
    summary: str,
    description: str,
    access: Access,
    answer: Answer,
    writes: bool = False,
    body: Serializer | None = None,
    body_examples: Mapping[str, Any] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    refusals: Sequence[Refusal] = (),
    other_responses: Mapping[int, OpenApiResponse] | None = None,
) -> Callable[[F], F]:
    """Describes a view's method. Adds the refusals that all operations with this `access` and
    `writes` have."""
    everything = [*refusals, *_usual_refusals(access, writes=writes)]
    return extend_schema(
        operation_id=operation_id,
        tags=[tag],
        summary=summary,
        description=description,
        request=body,
        parameters=[*parameters, *problem_headers({int(refusal.status) for refusal in everything})],
        examples=[
            OpenApiExample(name, value=value, request_only=True)
            for name, value in (body_examples or {}).items()
        ],
        responses={
            int(answer.status): OpenApiResponse(
                answer.body,
                description=answer.description,
                examples=[
                    OpenApiExample(name, value=value, response_only=True)
                    for name, value in answer.examples.items()
                ],
            ),
            **(other_responses or {}),
            **problem_responses(everything),
        },
        # No `security` if everybody may call: generated clients would require a token.
        auth=[] if access is Access.EVERYBODY else None,
    )


def paged(
    operation_id: str,
    *,
    tag: str,
    summary: str,
    description: str,
    access: Access,
    answer: Answer,
    parameters: Sequence[OpenApiParameter] = (),
    refusals: Sequence[Refusal] = (),
) -> Callable[[F], F]:
    """`operation` for one that returns a page of a list."""
    return operation(
        operation_id,
        tag=tag,
        summary=summary,
        description=f"{description}\n\n{_ABOUT_PAGES}",
        access=access,
        answer=answer,
        parameters=[*parameters, *_PAGE_PARAMETERS],
        refusals=[*refusals, *_BAD_PAGE],
    )


_ABOUT_PAGES = (
    "Sorted by id, in pages. The `Link` header has the addresses of the next and the previous "
    "page, if there are any."
)
_PAGE_PARAMETERS = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        description="The maximum number of items.",
    ),
    OpenApiParameter(
        "cursor",
        {"type": "string", "format": "cursor", "minLength": 1},
        description="Taken from a `Link` header. Its format may change.",
    ),
    OpenApiParameter(
        "Link",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        response=[200],
        description='Neighbouring pages (RFC 8288): `<…>; rel="next", <…>; rel="prev"`.',
    ),
]
_PROBLEM_HEADERS = [
    OpenApiParameter(
        "WWW-Authenticate",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        response=[401],
        required=True,
        description="The challenge, with what is wrong with the token (RFC 6750).",
    ),
    OpenApiParameter(
        "Retry-After",
        {"type": "integer", "minimum": 1},
        OpenApiParameter.HEADER,
        response=[429, 503],
        required=True,
        description="How many seconds to wait before trying again.",
    ),
]


def problem_headers(statuses: set[int]) -> list[OpenApiParameter]:
    return [
        header
        for header in _PROBLEM_HEADERS
        if isinstance(header.response, list) and statuses & {int(code) for code in header.response}
    ]


def _usual_refusals(access: Access, *, writes: bool) -> list[Refusal]:
    usual = [*_BAD_TOKEN, _NOT_ACCEPTABLE, *_AWAY]
    if access is not Access.EVERYBODY:
        usual += [_NO_TOKEN, _NOT_ALLOWED]
    if writes:
        usual += [TOO_OFTEN, _CROSS_ORIGIN, _BROKEN_JSON, _BODY_TOO_LARGE, _NOT_JSON]
    return usual


def problem_responses(refusals: Sequence[Refusal]) -> dict[tuple[int, str], OpenApiResponse]:
    in_order = sorted(refusals, key=lambda refusal: refusal.status)
    return {
        (int(status), problems.CONTENT_TYPE): _problem_response(list(group))
        for status, group in groupby(in_order, key=lambda refusal: refusal.status)
    }


def _problem_response(refusals: Sequence[Refusal]) -> OpenApiResponse:
    codes = dict.fromkeys(f"`{refusal.code}`" for refusal in refusals)
    return OpenApiResponse(
        Problem,
        description=f"{title_of(refusals[0].status)}: {', '.join(codes)}",
        examples=[refusal.example for refusal in refusals],
    )


class _IdFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shared.formats.fields.IdField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return dict(ID)


class _TextFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shared.formats.fields.TextField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.target.max_length,
            "pattern": VISIBLE_TEXT,
        }


class _LinesFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shared.formats.fields.LinesField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.target.max_length,
            "pattern": VISIBLE_LINES,
        }


class _CurrencyFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shared.formats.fields.CurrencyField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "iso-4217", "pattern": "^[A-Z]{3}$"}


class _TimeZoneFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shared.formats.fields.TimeZoneField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "iana-time-zone", "minLength": 1, "maxLength": 64}


class _MoneyFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shared.formats.fields.MoneyField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        places = self.target.decimal_places
        step = 10**-places
        return {
            "type": "number",
            "minimum": 0,
            "maximum": round(10 ** (self.target.max_digits - places) - step, places),
            "multipleOf": step,
        }
