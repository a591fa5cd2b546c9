"""The operations of the event service, for its OpenAPI schema."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from event_project.events import errors
from event_project.events.api.errors import STATUSES
from event_project.events.api.serializers import EventChangesInput, EventInput, EventOutput
from shared.api import schema
from shared.api.schema import Access, Answer, Refusal, operation, paged, refused
from shared.formats.fields import VISIBLE_TEXT
from shared.idempotency import schema as idempotency

_WORKSHOP = {
    "name": "Golang Workshop Bangkok",
    "max_seats": 50,
    "waitlist_limit": 5,
    "price": 2500,
    "booking_start_at": "2026-02-20T17:00:00+07:00",
    "booking_end_at": "2026-02-25T17:00:00+07:00",
    "description": "Two days of **Go**, from goroutines to profiling.",
    "venue": "BITEC, Bangkok",
    "starts_at": "2026-03-07T09:00:00+07:00",
    "ends_at": "2026-03-08T17:00:00+07:00",
    "time_zone": "Asia/Bangkok",
    "currency": "THB",
    "waiting_room_rate": 50,
}
_LEAST = ("name", "max_seats", "booking_start_at", "booking_end_at")
_EVENT: dict[str, Any] = {
    "id": 1,
    **_WORKSHOP,
    "booking_start_at": "2026-02-20T10:00:00Z",
    "booking_end_at": "2026-02-25T10:00:00Z",
    "starts_at": "2026-03-07T02:00:00Z",
    "ends_at": "2026-03-08T10:00:00Z",
    "created_at": "2026-02-01T08:30:00.123456Z",
    "updated_at": "2026-02-01T08:30:00.123456Z",
    "version": 1,
    "cancelled_at": None,
}
_CHANGED = {
    **_EVENT,
    "max_seats": 60,
    "price": 2250.5,
    "updated_at": "2026-02-03T09:00:00.5Z",
    "version": 2,
}
_CANCELLED = {
    **_EVENT,
    "updated_at": "2026-02-10T12:00:00.25Z",
    "version": 2,
    "cancelled_at": "2026-02-10T12:00:00.25Z",
}

_EVENT_ID = schema.path_id("event_id", "The event's id.")
_ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 201, 304],
    required=True,
    description="The event's version, in double quotes.",
)
_NO_SUCH_EVENT = refused(errors.EventNotFound, STATUSES)


def _too_early(error: type[errors.BookingEndsTooEarly | errors.EndsTooEarly]) -> Refusal:
    return schema.invalid_input({error.field: [error.message]}, message=error.message)


create_event = operation(
    "create_event",
    tag="events",
    summary="Create an event",
    description="Admins only. The booking service learns of the event moments later.",
    access=Access.ADMINS,
    writes=True,
    body=EventInput,
    body_examples={
        "all": _WORKSHOP,
        "least": {key: _WORKSHOP[key] for key in _LEAST},
    },
    answer=Answer(
        status=HTTPStatus.CREATED,
        body=EventOutput,
        description="The new event.",
        examples={"created": _EVENT},
    ),
    parameters=[*idempotency.PARAMETERS, _ETAG],
    refusals=[
        *idempotency.REFUSALS,
        schema.invalid_input(
            {"max_seats": ["max_seats must be greater than 0"]},
            message="max_seats must be greater than 0",
        ),
    ],
)
list_events = paged(
    "list_events",
    tag="events",
    summary="List events",
    description=(
        "Without filters, all events, including past and cancelled ones; with filters, the events "
        "that match all of them. The database server's clock decides what is open or upcoming. "
        "Searches by `name` without a token are limited."
    ),
    access=Access.EVERYBODY,
    answer=Answer(
        body=EventOutput(many=True),
        description="A page of events.",
        examples={"event": _EVENT},
    ),
    parameters=[
        OpenApiParameter(
            "open",
            OpenApiTypes.BOOL,
            description="Events that can be booked now and are not cancelled; false: the others.",
        ),
        OpenApiParameter(
            "upcoming",
            OpenApiTypes.BOOL,
            description=(
                "Events whose booking starts in the future and that are not cancelled; false: the "
                "others."
            ),
        ),
        OpenApiParameter(
            "name",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": VISIBLE_TEXT},
            description="Events with this text in their name, ignoring case.",
        ),
    ],
    refusals=[
        *(
            Refusal(
                status=HTTPStatus.BAD_REQUEST,
                code=f"invalid_{name}",
                message=f"{name} must be true or false",
            )
            for name in ("open", "upcoming")
        ),
        Refusal(
            status=HTTPStatus.BAD_REQUEST,
            code="invalid_name",
            message="name: This field may not be blank.",
        ),
        schema.TOO_OFTEN,
    ],
)
get_event = operation(
    "get_event",
    tag="events",
    summary="Get an event",
    description="The `ETag` is its version. The booking service knows how full the event is.",
    access=Access.EVERYBODY,
    answer=Answer(body=EventOutput, description="The event.", examples={"event": _EVENT}),
    other_responses={304: OpenApiResponse(description="The event still has that version.")},
    parameters=[
        _EVENT_ID,
        OpenApiParameter(
            "If-None-Match",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="An `ETag` that you have. If the event still has that version: 304.",
        ),
        _ETAG,
    ],
    refusals=[schema.invalid_id("event"), _NO_SUCH_EVENT],
)
update_event = operation(
    "update_event",
    tag="events",
    summary="Change an event",
    description=(
        "Admins only. Fields that are left out stay as they are. If seats are added, users on the "
        "waitlist move up. If there are fewer seats than confirmed bookings, nobody loses a seat."
        "\n\nWith `If-Match`, the event is changed only if it still has that version. So no change "
        "is overwritten unseen."
    ),
    access=Access.ADMINS,
    writes=True,
    body=EventChangesInput,
    body_examples={"some": {"max_seats": 60, "price": 2250.5}},
    answer=Answer(
        body=EventOutput, description="The event as it is now.", examples={"changed": _CHANGED}
    ),
    parameters=[
        _EVENT_ID,
        OpenApiParameter(
            "If-Match",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="The `ETag` of the version that you want to change.",
        ),
        _ETAG,
    ],
    refusals=[
        schema.invalid_id("event"),
        _too_early(errors.BookingEndsTooEarly),
        _NO_SUCH_EVENT,
        refused(errors.EventCancelled, STATUSES),
        refused(errors.EventHasChanged, STATUSES),
    ],
)
cancel_event = operation(
    "cancel_event",
    tag="events",
    summary="Cancel an event",
    description=(
        "Admins only. A cancelled event can't be restored, and all its bookings are cancelled. "
        "Cancelling it again changes nothing and gets the same response."
    ),
    access=Access.ADMINS,
    writes=True,
    answer=Answer(
        body=EventOutput, description="The cancelled event.", examples={"cancelled": _CANCELLED}
    ),
    parameters=[_EVENT_ID, _ETAG],
    refusals=[schema.invalid_id("event"), _NO_SUCH_EVENT],
)
