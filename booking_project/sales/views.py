"""The night of the sale: a page for everyone, and the two documents that keep it moving.

The documents are the same for everybody, so caches between here and the viewers may keep them.
"""

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from booking_project.bookings.domain.errors import EventNotFound, TryAgainLater
from booking_project.sales.presentation import presented
from booking_project.sales.selectors import (
    PAGE_COUNT,
    compact,
    live,
    live_seconds,
    pace,
    sale_overview,
)
from shared.api.ids import LARGEST_ID
from shared.api.problems import problem_response
from shared.auth import refusals
from shared.formats.json import dump_json

JSON = "application/json"
BRIEFLY = "public, max-age=1"
# A full page of the past does not change any more.
LONG = "public, max-age=3600"
REFRESH_SECONDS = 5

_EPOCH = re.compile(r"[0-9]{1,10}", re.ASCII)

View = Callable[[HttpRequest, int], HttpResponse]


def _about_an_event(view: View) -> View:
    """404 for an event that doesn't exist."""

    @wraps(view)
    def found(request: HttpRequest, event_id: int) -> HttpResponse:
        try:
            return view(request, min(event_id, LARGEST_ID))
        except EventNotFound as error:
            raise Http404 from error

    return found


@require_safe
@_about_an_event
def live_page(request: HttpRequest, event_id: int) -> HttpResponse:
    try:
        now = live(event_id=event_id)
        overview = sale_overview(event_id=event_id)
    except TryAgainLater:
        return refusals.busy()
    context = {
        "event_id": event_id,
        "sale": presented(now, overview),
        "refresh_seconds": REFRESH_SECONDS,
    }
    response = render(request, "sales/live.html", context)
    # Its language is that of the viewer.
    response["Cache-Control"] = "private, max-age=1"
    return response


@require_safe
@_about_an_event
def live_json(request: HttpRequest, event_id: int) -> HttpResponse:
    """The event now, with its latest seconds after `since`."""
    pace().count()
    since = _since(request)
    if since is None:
        return _invalid_since()
    try:
        body = live(event_id=event_id).json(since=since)
    except TryAgainLater as error:
        return _try_again_later(error)
    return HttpResponse(body, content_type=JSON, headers={"Cache-Control": BRIEFLY})


@require_safe
@gzip_page
@_about_an_event
def sale_json(request: HttpRequest, event_id: int) -> HttpResponse:
    """A page of the recorded seconds after `since`."""
    since = _since(request)
    if since is None:
        return _invalid_since()
    try:
        live(event_id=event_id)
        seconds = live_seconds(event_id=event_id, since=since)
    except TryAgainLater as error:
        return _try_again_later(error)
    more = len(seconds) == PAGE_COUNT
    body = dump_json({"seconds": [compact(second) for second in seconds], "more": more})
    headers = {"Cache-Control": LONG if more else BRIEFLY}
    return HttpResponse(body, content_type=JSON, headers=headers)


def _since(request: HttpRequest) -> int | None:
    """0 if it isn't given, None if it isn't a number of seconds."""
    text = request.GET.get("since", "0")
    return int(text) if _EPOCH.fullmatch(text) else None


def _invalid_since() -> HttpResponse:
    return problem_response(
        status=HTTPStatus.BAD_REQUEST,
        code="invalid_since",
        detail="since must be in seconds of the Unix epoch",
    )


def _try_again_later(error: TryAgainLater) -> HttpResponse:
    return problem_response(
        status=HTTPStatus.SERVICE_UNAVAILABLE, code=error.code, detail=error.message, retry_after=1
    )
