"""Django's own refusals: pages for people, problem documents for everyone else."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from booking_project.guests import refusals
from booking_project.guests.pages import refusal_page
from booking_project.guests.refusals import Refusal
from shared.api import problems

_OTHERS = ("/api/", "/admin/", "/health", "/metrics", "/static/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    too_large = isinstance(exception, RequestDataTooBig)
    page = _page(request, refusals.TOO_LARGE if too_large else refusals.BAD_REQUEST)
    return page or problems.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, refusals.FORBIDDEN) or problems.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, refusals.NOT_FOUND) or problems.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    problem = problems.server_error(request)
    refusal = refusals.BUSY if problem.status_code == refusals.BUSY.status else refusals.BROKEN
    return _page(request, refusal) or problem


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, refusals.BROKEN_FORM) or problems.csrf_failure(request, reason)


def _page(request: HttpRequest, refusal: Refusal) -> HttpResponse | None:
    """None for those who asked for something else than a page of the guests."""
    wants_page = "html" in request.META.get("HTTP_ACCEPT", "")
    if request.path_info.startswith(_OTHERS) or not wants_page:
        return None
    return refusal_page(request, refusal)
