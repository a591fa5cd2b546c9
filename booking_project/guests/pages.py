"""How each page is made: its context, its headers, and what becomes of refusals."""

import functools
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from booking_project.guests import refusals
from booking_project.guests.identity import Guest, guest_of, says_who_they_are
from booking_project.guests.refusals import Refusal, TooManyWrites
from shared.db.errors import is_unavailable
from shared.errors import DomainError
from shared.http.networks import client_network
from shared.limits.throttling import WriteThrottle

logger = logging.getLogger(__name__)

_CSRF_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 (the name of a field)

P = ParamSpec("P")


def page(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A view whose refusals become pages."""

    @functools.wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **options: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **options)
        except DomainError as error:
            response = refused(request, error)
        except (DatabaseError, InterfaceError) as error:
            if not is_unavailable(error):
                raise
            logger.error("the database is away: %s", error)
            response = refusal_page(request, refusals.BUSY)
        # It has the guest's name and a CSRF token.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer


def show(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    guest = guest_of(request)
    return render(request, template, {"guest": guest, **(context or {})}, status=status)


def refused(
    request: HttpRequest, error: DomainError, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    refusal = refusals.OF_ERRORS[type(error)]
    response = refusal_page(request, refusal, {"code": error.code, **(context or {})})
    if isinstance(error, TooManyWrites):
        response["Retry-After"] = str(error.seconds)
    return response


def refusal_page(
    request: HttpRequest, refusal: Refusal, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    shown = {"refusal": refusal, "again": _form_again(request, refusal), **(context or {})}
    response = show(request, "guests/refusal.html", shown, status=refusal.status)
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    response.headers["Cache-Control"] = "no-store"
    return response


def _form_again(request: HttpRequest, refusal: Refusal) -> list[tuple[str, str]]:
    """What was sent, if the same could succeed later."""
    if request.method != "POST" or refusal.retry_after is None:
        return []
    return [(name, str(value)) for name, value in request.POST.items() if name != _CSRF_TOKEN]


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Then they come back here. A form that is sent after the log-in has ended gets a page with a
    link: browsers let no form end at another site, as that of the issuer is."""
    if request.method == "POST" and not says_who_they_are():
        context = {"refusal": refusals.LOGGED_OUT, "goal": request.path_info}
        status = refusals.LOGGED_OUT.status
        return show(request, "guests/not_signed_in.html", context, status=status)
    here = request.get_full_path() if request.method == "GET" else ""
    query = urlencode({"next": here}) if here else ""
    return redirect(f"{reverse('guests:sign-in')}{'?' if query else ''}{query}")


def count_write(request: HttpRequest, guest: Guest | None) -> None:
    """The limit of the API's writes, RATE_LIMIT_WRITES, and counted together with them. Raises
    `TooManyWrites`."""
    rate = settings.RATE_LIMIT_WRITES
    if rate is None:
        return
    if guest is None or says_who_they_are():
        caller = f"address {client_network(request)}"
    else:
        caller = f"user {guest.user_id}"
    throttle = WriteThrottle()
    if not throttle.allow(caller=caller, rate=rate):
        raise TooManyWrites(max(1, round(throttle.wait() + 0.5)))
