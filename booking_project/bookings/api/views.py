from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from booking_project.bookings import admission, lookups
from booking_project.bookings.api.serializers import (
    BookingInput,
    BookingOutput,
    EventStatusOutput,
    represent_booking,
    represent_status,
    valid_user_id,
)
from booking_project.bookings.models import BookingStatus
from booking_project.bookings.selectors import booking_list
from shared.api.ids import parse_id
from shared.api.pagination import paged_response
from shared.api.problems import InvalidInput


class EventStatus(APIView):
    """How full an event is."""

    @extend_schema(responses=EventStatusOutput)
    def get(self, request: Request, event_id: str) -> Response:
        event = lookups.event_get(event_id=parse_id(event_id, what="event"))
        return Response(represent_status(event))


class EventBookings(APIView):
    """The bookings of an event, and the place to book."""

    @extend_schema(
        parameters=[OpenApiParameter("status", OpenApiTypes.STR, enum=BookingStatus.values)],
        responses=BookingOutput(many=True),
    )
    def get(self, request: Request, event_id: str) -> Response:
        bookings = booking_list(
            event_id=parse_id(event_id, what="event"), status=_status_filter(request)
        )
        return paged_response(
            request, bookings, represent=lambda page: [represent_booking(row) for row in page]
        )

    @extend_schema(request=BookingInput, responses={201: BookingOutput})
    def post(self, request: Request, event_id: str) -> Response:
        number = parse_id(event_id, what="event")
        user_id = valid_user_id(request.data)
        booking = admission.book(event_id=number, user_id=user_id)
        return Response(represent_booking(booking), status=status.HTTP_201_CREATED)


class BookingDetail(APIView):
    """One booking. DELETE cancels it; it stays readable."""

    @extend_schema(responses=BookingOutput)
    def get(self, request: Request, booking_id: str) -> Response:
        booking = lookups.booking_get(booking_id=parse_id(booking_id, what="booking"))
        return Response(represent_booking(booking))

    @extend_schema(responses=BookingOutput)
    def delete(self, request: Request, booking_id: str) -> Response:
        booking = admission.cancel(booking_id=parse_id(booking_id, what="booking"))
        return Response(represent_booking(booking))


def _status_filter(request: Request) -> BookingStatus | None:
    text = request.GET.get("status")
    if text is None:
        return None
    if text not in BookingStatus.values:
        raise InvalidInput(
            f"status must be one of {', '.join(BookingStatus.values)}", code="invalid_status"
        )
    return BookingStatus(text)
