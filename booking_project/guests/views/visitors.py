"""Who visits, and in which language."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from booking_project.contacts.services import contact_remember
from booking_project.guests.forms import NameAndMail, guest_in
from booking_project.guests.identity import (
    guest_of,
    says_who_they_are,
    sign_in,
    sign_out,
)
from booking_project.guests.login import views as login
from booking_project.guests.pages import count_write, page, show


@require_http_methods(["GET", "HEAD", "POST"])
@page
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """AUTH_MODE=open: guests say who they are, and are believed. Otherwise the issuer says it."""
    if not says_who_they_are():
        return login.begin(request)
    guest = guest_of(request)
    known = {"name": guest.name, "email": guest.email} if guest else {}
    form = NameAndMail(request.POST or None, initial=known)
    goal = request.POST.get("next") or request.GET.get("next") or ""
    if not url_has_allowed_host_and_scheme(goal, {request.get_host()}, request.is_secure()):
        goal = reverse("guests:bookings")
    if request.method == "POST":
        count_write(request, guest)
        if form.is_valid():
            response = redirect(goal)
            said = guest_in(form)
            sign_in(response, user_id=said.user_id, name=said.name, email=said.email)
            return response
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    return show(request, "guests/sign_in.html", {"form": form, "goal": goal}, status=status)


@require_POST
@page
def sign_out_page(request: HttpRequest) -> HttpResponse:
    response = redirect("guests:events")
    sign_out(response)
    return response


@require_POST
@page
def language(request: HttpRequest) -> HttpResponse:
    """Mails follow the choice as well."""
    guest = guest_of(request)
    chosen = request.POST.get("language", "")
    if guest is not None and chosen in dict(settings.LANGUAGES):
        count_write(request, guest)
        contact_remember(user_id=guest.user_id, name=guest.name, language=chosen)
    return set_language(request)
