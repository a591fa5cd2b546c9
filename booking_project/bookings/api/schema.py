"""The operations of the booking service, for its OpenAPI schema."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from booking_project.bookings.api.errors import STATUSES
from booking_project.bookings.api.serializers import (
    BookingInput,
    BookingOutput,
    EventStatusOutput,
    ListedEventOutput,
    PlaceOutput,
)
from booking_project.bookings.domain import errors
from booking_project.bookings.domain.transitions import BookingStatus
from shared.api import schema
from shared.api.schema import Access, Answer, Refusal, operation, paged, refused
from shared.formats.fields import VISIBLE_TEXT
from shared.idempotency import schema as idempotency

MOST_IDS = 100

_CONFIRMED: dict[str, Any] = {
    "id": 1,
    "event_id": 1,
    "user_id": "user-001",
    "status": "confirmed",
    "created_at": "2026-02-20T10:00:00.123456Z",
}
_WAITLISTED = {
    "id": 51,
    "event_id": 1,
    "user_id": "user-051",
    "status": "waitlisted",
    "waitlist_order": 1,
    "created_at": "2026-02-20T10:00:07.5Z",
}
_CANCELLED = {**_CONFIRMED, "status": "cancelled"}
_FULL = {
    "id": 1,
    "name": "Golang Workshop Bangkok",
    "max_seats": 50,
    "waitlist_limit": 5,
    "price": 2500,
    "booking_start_at": "2026-02-20T10:00:00Z",
    "booking_end_at": "2026-02-25T10:00:00Z",
    "confirmed_count": 50,
    "waitlisted_count": 1,
    "seats_available": 0,
    "cancelled_at": None,
}
_LISTED = {
    **_FULL,
    "version": 1,
    "venue": "BITEC, Bangkok",
    "starts_at": "2026-03-07T02:00:00Z",
    "ends_at": "2026-03-08T10:00:00Z",
    "time_zone": "Asia/Bangkok",
    "currency": "THB",
}
_OFF = {
    **_FULL,
    "confirmed_count": 0,
    "waitlisted_count": 0,
    "cancelled_at": "2026-02-21T09:00:00Z",
}

_WAITING: dict[str, Any] = {
    "event_id": 1,
    "token": "WzEsInVzZXItMDAxIiwxMjAwXQ:1tkzQb:r7mX…",
    "state": "waiting",
    "position": 700,
    "retry_after": 14,
}
_EARLY = {**_WAITING, "state": "early", "position": None, "retry_after": 300}
_READY = {"state": "ready", "position": None, "retry_after": 0}

_EVENT_ID = schema.path_id("event_id", "The event's id; the same as in the event service.")
_BOOKING_ID = schema.path_id("booking_id", "The booking's id.")
_BAD_EVENT_ID = schema.invalid_id("event")
_NO_USER_ID = schema.invalid_input(
    {"user_id": ["user_id is required"]}, message="user_id is required"
)
_NO_SUCH_EVENT = refused(errors.EventNotFound, STATUSES)
_STATUS = OpenApiParameter(
    "status",
    {"$ref": "#/components/schemas/BookingStatus"},
    description="Only bookings with this status.",
)
_BAD_STATUS = Refusal(
    status=HTTPStatus.BAD_REQUEST,
    code="invalid_status",
    message=f"status must be one of {', '.join(BookingStatus.values)}",
)
_NO_SUCH_BOOKING = refused(errors.BookingNotFound, STATUSES)

_TURN = OpenApiParameter(
    "Waiting-Room-Token",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `token` of the place in line, for events with a waiting room.",
)
_RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="When to ask again, in seconds.",
)
_MUST_WAIT = refused(errors.MustWait, STATUSES)


def _not_your_user_id(message: str) -> Refusal:
    return Refusal(status=HTTPStatus.FORBIDDEN, code="not_your_user_id", message=message)


list_events = paged(
    "list_events",
    tag="events",
    summary="List events and how full they are",
    description=(
        "The events as the booking service knows them, including past and cancelled ones. Their "
        "descriptions are in the event service."
    ),
    access=Access.EVERYBODY,
    answer=Answer(
        body=ListedEventOutput(many=True),
        description="A page of events.",
        examples={"full": _LISTED},
    ),
    parameters=[
        OpenApiParameter(
            "id",
            {"type": "array", "items": dict(schema.ID), "maxItems": MOST_IDS},
            explode=True,
            description="Only these events: `?id=1&id=2`. Ids that nobody has are ignored.",
        )
    ],
    refusals=[
        _BAD_EVENT_ID,
        Refusal(
            status=HTTPStatus.BAD_REQUEST,
            code="too_many_ids",
            message=f"id may be given at most {MOST_IDS} times",
        ),
        Refusal(
            status=HTTPStatus.REQUEST_URI_TOO_LONG,
            code="uri_too_long",
            message="Request Line is too large (8032 > 4094)",
        ),
    ],
)
get_event_status = operation(
    "get_event_status",
    tag="events",
    summary="How full is an event?",
    description="The event as the booking service knows it. Changes arrive here moments later.",
    access=Access.EVERYBODY,
    answer=Answer(
        body=EventStatusOutput,
        description="The event and its counts.",
        examples={"full": _FULL, "cancelled": _OFF},
    ),
    parameters=[_EVENT_ID],
    refusals=[_BAD_EVENT_ID, _NO_SUCH_EVENT],
)
create_booking = operation(
    "create_booking",
    tag="bookings",
    summary="Book a seat",
    description=(
        "The booking is confirmed while seats are free, and waitlisted while the waitlist has "
        "places. Non-admins can book only for themselves."
        "\n\nIf the event has a waiting room, a booking without a turn is refused with the code "
        "`waiting_room`. The refusal has two more members: `waiting_room`, the path to join the "
        "line, and `position`, the caller's place or the one they would get."
    ),
    access=Access.SIGNED_IN,
    writes=True,
    body=BookingInput,
    body_examples={"booking": {"user_id": "user-001"}},
    answer=Answer(
        status=HTTPStatus.CREATED,
        body=BookingOutput,
        description="The new booking.",
        examples={"confirmed": _CONFIRMED, "waitlisted": _WAITLISTED},
    ),
    parameters=[_EVENT_ID, *idempotency.PARAMETERS, _TURN],
    refusals=[
        *idempotency.REFUSALS,
        _BAD_EVENT_ID,
        _NO_USER_ID,
        refused(errors.BookingNotOpen, STATUSES),
        _not_your_user_id("you can book only for yourself"),
        _NO_SUCH_EVENT,
        refused(errors.AlreadyBooked, STATUSES),
        refused(errors.FullyBooked, STATUSES),
        refused(errors.EventCancelled, STATUSES),
        _MUST_WAIT,
        refused(errors.InvalidTurn, STATUSES),
        refused(errors.TurnMissed, STATUSES),
    ],
)
join_waiting_room = operation(
    "join_waiting_room",
    tag="bookings",
    summary="Join an event's waiting room",
    description=(
        "From half an hour before the opening on. Those who join before the opening take part in a "
        "draw for the first turns. Those who join later come after them, in the order of arrival. "
        "Joining again gives another place, further back."
    ),
    access=Access.SIGNED_IN,
    writes=True,
    body=BookingInput,
    body_examples={"waiting": {"user_id": "user-001"}},
    answer=Answer(
        status=HTTPStatus.CREATED,
        body=PlaceOutput,
        description="The place in line.",
        examples={"waiting": _WAITING, "early": _EARLY},
    ),
    parameters=[_EVENT_ID, _RETRY_AFTER],
    refusals=[
        _BAD_EVENT_ID,
        _NO_USER_ID,
        refused(errors.BookingNotOpen, STATUSES),
        _not_your_user_id("you can wait only for yourself"),
        _NO_SUCH_EVENT,
        refused(errors.NoWaitingRoom, STATUSES),
        refused(errors.FullyBooked, STATUSES),
        refused(errors.EventCancelled, STATUSES),
    ],
)
get_place = operation(
    "get_place",
    tag="bookings",
    summary="Get a place in an event's waiting room",
    description="Cheap for the service. Ask again after `retry_after` seconds.",
    access=Access.SIGNED_IN,
    answer=Answer(
        body=PlaceOutput,
        description="The place in line.",
        examples={"waiting": _WAITING, "ready": {**_WAITING, **_READY}},
    ),
    parameters=[_EVENT_ID, _TURN, _RETRY_AFTER],
    refusals=[
        _BAD_EVENT_ID,
        refused(errors.InvalidTurn, STATUSES),
        _NO_SUCH_EVENT,
        refused(errors.NoWaitingRoom, STATUSES),
    ],
)
list_event_bookings = paged(
    "list_event_bookings",
    tag="bookings",
    summary="List an event's bookings",
    description="Non-admins see only their own.",
    access=Access.SIGNED_IN,
    answer=Answer(
        body=BookingOutput(many=True),
        description="A page of bookings.",
        examples={"confirmed": _CONFIRMED},
    ),
    parameters=[
        _EVENT_ID,
        _STATUS,
    ],
    refusals=[
        _BAD_EVENT_ID,
        _BAD_STATUS,
        _NO_SUCH_EVENT,
    ],
)
list_user_bookings = paged(
    "list_user_bookings",
    tag="bookings",
    summary="List a user's bookings",
    description="Across all events. Non-admins see only their own.",
    access=Access.SIGNED_IN,
    answer=Answer(
        body=BookingOutput(many=True),
        description="A page of bookings.",
        examples={"confirmed": _CONFIRMED},
    ),
    parameters=[
        OpenApiParameter(
            "user_id",
            {"type": "string", "minLength": 1, "maxLength": 255, "pattern": VISIBLE_TEXT},
            description="The user. If it is left out, it is the subject of the caller's token.",
        ),
        _STATUS,
    ],
    refusals=[
        _NO_USER_ID,
        _BAD_STATUS,
        _not_your_user_id("you can see only your own bookings"),
    ],
)
get_booking = operation(
    "get_booking",
    tag="bookings",
    summary="Get a booking",
    description="Non-admins get 404 for the bookings of others.",
    access=Access.SIGNED_IN,
    answer=Answer(
        body=BookingOutput,
        description="The booking.",
        examples={
            "confirmed": _CONFIRMED,
            "waitlisted": {**_WAITLISTED, "waitlist_position": 1},
            "far": {**_WAITLISTED, "waitlist_order": 9000, "waitlist_position_above": 1000},
        },
    ),
    parameters=[_BOOKING_ID],
    refusals=[schema.invalid_id("booking"), _NO_SUCH_BOOKING],
)
cancel_booking = operation(
    "cancel_booking",
    tag="bookings",
    summary="Cancel a booking",
    description=(
        "The first user on the waitlist gets the seat at the same moment. The booking can still "
        "be read. Non-admins get 404 for the bookings of others."
    ),
    access=Access.SIGNED_IN,
    writes=True,
    answer=Answer(
        body=BookingOutput,
        description="The cancelled booking.",
        examples={"cancelled": _CANCELLED},
    ),
    parameters=[_BOOKING_ID],
    refusals=[
        schema.invalid_id("booking"),
        refused(errors.AlreadyCancelled, STATUSES),
        _NO_SUCH_BOOKING,
    ],
)
