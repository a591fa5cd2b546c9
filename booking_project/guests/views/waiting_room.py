"""Waiting in line for the form, at events with a waiting room."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from booking_project.bookings.domain.errors import InvalidTurn, NoWaitingRoom
from booking_project.bookings.domain.turns import Place, PlaceState
from booking_project.bookings.services.waiting_room import place_in_line, room_enter
from booking_project.guests.context import about
from booking_project.guests.identity import Guest, guest_of
from booking_project.guests.pages import ask_to_sign_in, count_write, page, show
from booking_project.guests.snapshots import event_seen
from booking_project.guests.states import State
from booking_project.guests.turns import keep_turn, turn_of


@require_http_methods(["GET", "HEAD", "POST"])
@page
def waiting_room(request: HttpRequest, event_id: int) -> HttpResponse:
    """Who comes here gets a place in line; POST gives up a missed one for a new one. Whoever's turn
    it is goes on to the form."""
    found = about(request, event_seen(event_id))
    if not found["has_room"] and found["state"] is not State.SOLD_OUT:
        return _go(request, reverse("guests:event", args=[event_id]))
    guest = guest_of(request)
    if guest is None:
        return ask_to_sign_in(request)
    if found["state"] is State.SOLD_OUT:
        return _show(request, {**found, "place": None})
    token = turn_of(request, event_id)
    try:
        place = None if token is None else _place(event_id, token, guest)
        is_new = place is None or (request.method == "POST" and place.state is PlaceState.MISSED)
        if token is None or is_new:
            count_write(request, guest)
            token = room_enter(event_id=event_id, user_id=guest.user_id)
            place = _place(event_id, token, guest)
    except NoWaitingRoom:
        return _go(request, reverse("guests:book", args=[event_id]))
    if request.method == "POST":
        response: HttpResponse = HttpResponseRedirect(request.path_info)
    elif place is not None and place.state is PlaceState.READY:
        response = _go(request, reverse("guests:book", args=[event_id]))
    else:
        response = _show(request, {**found, "place": place})
    if is_new:
        keep_turn(response, event_id, token)
    return response


def _place(event_id: int, token: str, guest: Guest) -> Place | None:
    """None if the token is of no use to this guest."""
    try:
        return place_in_line(event_id=event_id, token=token, user_id=guest.user_id)
    except InvalidTurn:
        return None


def _show(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    is_part = "HX-Request" in request.headers
    return show(request, "guests/line.html" if is_part else "guests/waiting_room.html", context)


def _go(request: HttpRequest, address: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address)
