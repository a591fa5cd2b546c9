"""From a page to the issuer and back."""

import logging
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from booking_project.guests import identity
from booking_project.guests.login import attempts
from booking_project.guests.login.errors import LoginRefused, LoginUnavailable
from booking_project.guests.login.issuer import issuer
from booking_project.guests.login.settings import OidcSettings
from booking_project.guests.pages import page, show
from booking_project.guests.refusals import Refusal

logger = logging.getLogger(__name__)

READ_ONLY = Refusal(
    status=HTTPStatus.NOT_FOUND,
    title=_("You can’t sign in here"),
    text=_("These pages show the events. Bookings are made elsewhere: ask the organiser where."),
)
UNAVAILABLE = Refusal(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    title=_("Signing in is not possible right now"),
    text=_(
        "The service that knows who you are does not answer. "
        "Your bookings are safe. Please try again in a minute."
    ),
    retry_after=10,
)
NOT_SIGNED_IN = Refusal(
    status=HTTPStatus.BAD_REQUEST,
    title=_("You are not signed in"),
    text=_(
        "It was cancelled, it took too long, or you started again in another window. "
        "Nothing has changed."
    ),
)


def begin(request: HttpRequest) -> HttpResponse:
    """To the issuer, which sends them to `finish`."""
    if settings.OIDC is None:
        return _refused(request, READ_ONLY)
    attempt = attempts.begin(request.GET.get("next", ""))
    try:
        address = issuer(settings.OIDC).address(attempt, language=get_language() or "")
    except LoginUnavailable as error:
        logger.warning("nobody can sign in: %s", error)
        return _refused(request, UNAVAILABLE, attempt)
    response = HttpResponse(status=HTTPStatus.FOUND, headers={"Location": address})
    attempts.keep(response, attempt)
    return response


@require_safe
@page
def finish(request: HttpRequest) -> HttpResponse:
    if settings.OIDC is None:
        return _refused(request, READ_ONLY)
    attempt = attempts.attempt_of(request)
    try:
        response = _finished(request, attempt, settings.OIDC)
    except LoginRefused as error:
        logger.warning("a log-in was refused: %s", error)
        response = _refused(request, NOT_SIGNED_IN, attempt)
    except LoginUnavailable as error:
        logger.warning("nobody can sign in: %s", error)
        response = _refused(request, UNAVAILABLE, attempt)
    attempts.forget(response)
    return response


def _finished(
    request: HttpRequest, attempt: attempts.Attempt | None, oidc: OidcSettings
) -> HttpResponse:
    if attempt is None:
        raise LoginRefused("this browser did not begin it, or too long ago")
    # RFC 9207: an answer of another issuer.
    if request.GET.get("iss", oidc.issuer) != oidc.issuer:
        raise LoginRefused("the answer is that of another issuer")
    code = request.GET.get("code")
    if not code:
        raise LoginRefused(f"the issuer says {request.GET.get('error', 'nothing')!r}")
    found = issuer(oidc).identity(attempt, code=code)
    response = redirect(attempt.next)
    identity.sign_in(response, user_id=found.user_id, name=found.name, email=found.email)
    return response


def _refused(
    request: HttpRequest, refusal: Refusal, attempt: attempts.Attempt | None = None
) -> HttpResponse:
    response = show(
        request,
        "guests/not_signed_in.html",
        {"refusal": refusal, "goal": attempt.next if attempt else ""},
        status=refusal.status,
    )
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    return response
