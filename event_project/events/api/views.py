from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from event_project.events.api.serializers import EventInput, EventOutput
from event_project.events.selectors import event_get, event_list
from event_project.events.services import event_create
from shared.api.ids import parse_id
from shared.api.pagination import paged_response


class EventList(APIView):
    """All events, and the place to create one."""

    @extend_schema(responses=EventOutput(many=True))
    def get(self, request: Request) -> Response:
        return paged_response(
            request, event_list(), represent=lambda events: EventOutput(events, many=True).data
        )

    @extend_schema(request=EventInput, responses={201: EventOutput})
    def post(self, request: Request) -> Response:
        form = EventInput(data=request.data)
        form.is_valid(raise_exception=True)
        event = event_create(**form.validated_data)
        return Response(EventOutput(event).data, status=status.HTTP_201_CREATED)


class EventDetail(APIView):
    """One event."""

    @extend_schema(responses=EventOutput)
    def get(self, request: Request, event_id: str) -> Response:
        event = event_get(event_id=parse_id(event_id, what="event"))
        return Response(EventOutput(event).data)
