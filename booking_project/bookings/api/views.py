from http import HTTPStatus
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from booking_project.bookings.api import pages, schema
from booking_project.bookings.api.serializers import (
    ListedEventOutput,
    represent_booking_in_line,
    represent_place,
    represent_status,
    valid_user_id,
)
from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.representation import (
    LISTED_FIELDS,
    adjust_listed,
    represent_booking,
)
from booking_project.bookings.selectors import booking_list, event_list, user_booking_list
from booking_project.bookings.services.bookings import booking_cancel, booking_create
from booking_project.bookings.services.waiting_room import place_in_line, room_enter
from booking_project.bookings.storage.loaders import booking_load_in_line, event_load
from shared.api.ids import parse_id
from shared.api.pagination import paged_response
from shared.api.parsers import require_json_body
from shared.api.problems import InvalidInput
from shared.api.query_params import query_text
from shared.api.views import APIView
from shared.auth.caller import Caller, caller_of
from shared.db.index_ranges import IndexRange
from shared.idempotency.http import created_response, idempotent_request

TOKEN = "HTTP_WAITING_ROOM_TOKEN"  # noqa: S105 (the name of a header)


class EventList(APIView):
    """Lists events, and how full they are."""

    page = pages.EVENTS
    permission_classes = [AllowAny]

    @schema.list_events
    def get(self, request: Request) -> Response:
        events = event_list(ids=_ids_filter(request))
        return paged_response(request, events, fields=tuple(ListedEventOutput().fields))


class EventStatus(APIView):
    """Shows how full an event is."""

    name = "Event status"
    page = pages.STATUS
    permission_classes = [AllowAny]

    @schema.get_event_status
    def get(self, request: Request, event_id: str) -> Response:
        event = event_load(event_id=parse_id(event_id, what="event"))
        return Response(represent_status(event))


class EventBookings(APIView):
    """Lists the bookings of an event, and creates one. Non-admins see only their own."""

    name = "An event's bookings"
    page = pages.EVENT_BOOKINGS
    is_private = True
    staff_permissions = {"GET": "bookings.view_booking", "POST": "bookings.add_booking"}

    @schema.list_event_bookings
    def get(self, request: Request, event_id: str) -> Response:
        bookings = booking_list(
            event_id=parse_id(event_id, what="event"),
            status=_status_filter(request),
            user_id=caller_of(request).confined_to,
        )
        return _listed(request, bookings)

    @schema.create_booking
    def post(self, request: Request, event_id: str) -> Response:
        number = parse_id(event_id, what="event")
        caller = caller_of(request)
        user_id = _user_of(request.data, caller, refusal="you can book only for yourself")
        result = booking_create(
            event_id=number,
            user_id=user_id,
            request=idempotent_request(
                request, arguments={"user_id": user_id}, distribution_key=number
            ),
            actor=caller.acting_for(user_id),
            turn=request.META.get(TOKEN),
            skips_line=caller.is_authenticated and caller.confined_to is None,
        )
        return created_response(result, represent_booking)


class WaitingRoom(APIView):
    """The waiting room of an event: POST joins the line, GET says how far it is."""

    name = "Waiting room"
    page = pages.WAITING_ROOM
    is_private = True
    staff_permissions = {"GET": "bookings.view_booking", "POST": "bookings.add_booking"}

    @schema.join_waiting_room
    def post(self, request: Request, event_id: str) -> Response:
        number = parse_id(event_id, what="event")
        caller = caller_of(request)
        user_id = _user_of(request.data, caller, refusal="you can wait only for yourself")
        token = room_enter(event_id=number, user_id=user_id)
        return self._place(number, token, status=HTTPStatus.CREATED)

    @schema.get_place
    def get(self, request: Request, event_id: str) -> Response:
        number = parse_id(event_id, what="event")
        return self._place(number, request.META.get(TOKEN, ""), status=HTTPStatus.OK)

    def _place(self, event_id: int, token: str, *, status: HTTPStatus) -> Response:
        place = place_in_line(event_id=event_id, token=token)
        headers = {"Retry-After": str(place.retry_after)} if place.retry_after else None
        return Response(represent_place(place, event_id, token), status=status, headers=headers)


class UserBookings(APIView):
    """A user's bookings across all events. Non-admins see only their own."""

    name = "A user's bookings"
    page = pages.USER_BOOKINGS
    is_private = True
    staff_permissions = {"GET": "bookings.view_booking"}

    @schema.list_user_bookings
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        asked = query_text(request, "user_id")
        user_id = _user_of(
            {} if asked is None else {"user_id": asked},
            caller,
            refusal="you can see only your own bookings",
        )
        bookings = user_booking_list(user_id=user_id, status=_status_filter(request))
        return _listed(request, bookings)


class BookingDetail(APIView):
    """One booking. DELETE cancels it; it can still be read. Non-admins find only their own."""

    name = "Booking"
    page = pages.BOOKING
    is_private = True
    staff_permissions = {"GET": "bookings.view_booking", "DELETE": "bookings.delete_booking"}

    @schema.get_booking
    def get(self, request: Request, booking_id: str) -> Response:
        booking = booking_load_in_line(
            booking_id=parse_id(booking_id, what="booking"), user_id=caller_of(request).confined_to
        )
        return Response(represent_booking_in_line(booking))

    @schema.cancel_booking
    def delete(self, request: Request, booking_id: str) -> Response:
        number = parse_id(booking_id, what="booking")
        require_json_body(request)
        caller = caller_of(request)
        booking = booking_cancel(
            booking_id=number,
            user_id=caller.confined_to,
            actor=caller.name if caller.confined_to is None else "",
        )
        return Response(represent_booking(booking))


def _ids_filter(request: Request) -> set[int] | None:
    texts = request.GET.getlist("id")
    if len(texts) > schema.MOST_IDS:
        raise InvalidInput(f"id may be given at most {schema.MOST_IDS} times", code="too_many_ids")
    return {parse_id(text, what="event") for text in texts} or None


def _user_of(data: Any, caller: Caller, *, refusal: str) -> str:
    """The user that a request is about: the caller if it names none."""
    user_id = valid_user_id(data, default=caller.user_id)
    if not caller.may_act_for(user_id):
        raise PermissionDenied(refusal, code="not_your_user_id")
    return user_id


def _listed(request: Request, bookings: IndexRange) -> Response:
    return paged_response(request, bookings, fields=LISTED_FIELDS, adjust=adjust_listed)


def _status_filter(request: Request) -> BookingStatus | None:
    text = query_text(request, "status")
    if text is None:
        return None
    if text not in BookingStatus.values:
        raise InvalidInput(
            f"status must be one of {', '.join(BookingStatus.values)}", code="invalid_status"
        )
    return BookingStatus(text)
