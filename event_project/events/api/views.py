import functools
from collections.abc import Mapping
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from event_project.events.api import pages, schema
from event_project.events.api.etags import etag, expected_versions, is_known
from event_project.events.api.serializers import EVENT_CODEC, EventInput, EventOutput
from event_project.events.models import Event
from event_project.events.selectors import event_get, event_list
from event_project.events.services import event_cancel, event_create, event_update
from shared.api.filters import boolean_filter, text_filter
from shared.api.ids import parse_id
from shared.api.pagination import paged_response
from shared.api.parsers import require_json_body
from shared.api.views import APIView
from shared.idempotency.http import created_response, idempotent_request
from shared.idempotency.services import run_once


def _represent(event: Event) -> Mapping[str, Any]:
    return EventOutput(event).data


def _response(event: Event) -> Response:
    return Response(_represent(event), headers={"ETag": etag(event)})


class EventList(APIView):
    """Lists events, and creates one."""

    name = "Events"
    page = pages.EVENTS
    staff_permissions = {"POST": "events.add_event"}
    searches = ("name",)

    @schema.list_events
    def get(self, request: Request) -> Response:
        events = event_list(
            is_open=boolean_filter(request, "open"),
            is_upcoming=boolean_filter(request, "upcoming"),
            name=text_filter(request, "name", max_length=255),
        )
        return paged_response(request, events, fields=tuple(EventOutput().fields))

    @schema.create_event
    def post(self, request: Request) -> Response:
        form = EventInput(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        result = run_once(
            idempotent_request(request, arguments=values),
            functools.partial(event_create, **values),
            codec=EVENT_CODEC,
        )
        return created_response(result, _represent, headers={"ETag": etag(result.value)})


class EventDetail(APIView):
    """One event. Its version is its ETag.

    PATCH takes any of the fields of POST. With If-Match, only that version is changed. Checked
    in this order: each field by itself (400), whether there is such an event (404), cancelled
    (409), changed in the meantime (412), the booking window as it would be (400).
    """

    name = "Event"
    page = pages.EVENT
    staff_permissions = {"PATCH": "events.change_event"}

    @schema.get_event
    def get(self, request: Request, event_id: str) -> Response:
        event = event_get(event_id=parse_id(event_id, what="event"))
        # A page for people shows more than the event: who is logged in, for one.
        if request.accepted_renderer.format != "api" and is_known(event, request):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag(event)})
        return _response(event)

    @schema.update_event
    def patch(self, request: Request, event_id: str) -> Response:
        parsed_id = parse_id(event_id, what="event")
        form = EventInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        event = event_update(
            event_id=parsed_id,
            changes=form.validated_data,
            expected_versions=expected_versions(request),
        )
        return _response(event)


class EventCancellation(APIView):
    """Cancels an event for good. Cancelling it again changes nothing. A body must be JSON, and is
    ignored."""

    name = "Cancel an event"
    staff_permissions = {"POST": "events.change_event"}

    @schema.cancel_event
    def post(self, request: Request, event_id: str) -> Response:
        parsed_id = parse_id(event_id, what="event")
        require_json_body(request)
        return _response(event_cancel(event_id=parsed_id))
