"""Booking a seat or a place in line."""

from hashlib import sha256
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from booking_project.bookings.domain.errors import (
    AlreadyBooked,
    BookingNotOpen,
    EventCancelled,
    FullyBooked,
    InvalidTurn,
    MustWait,
    NoWaitingRoom,
    TurnMissed,
)
from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.domain.turns import PlaceState
from booking_project.bookings.selectors import active_booking
from booking_project.bookings.services.bookings import booking_create
from booking_project.bookings.services.waiting_room import place_in_line
from booking_project.contacts.services import contact_remember
from booking_project.guests.context import about
from booking_project.guests.forms import BookingForm, SignedInBookingForm, guest_in
from booking_project.guests.identity import (
    Guest,
    guest_of,
    says_who_they_are,
    sign_in,
)
from booking_project.guests.pages import ask_to_sign_in, count_write, page, refused, show
from booking_project.guests.snapshots import event_seen
from booking_project.guests.states import State
from booking_project.guests.turns import turn_of
from shared.errors import DomainError
from shared.idempotency.requests import IdempotentRequest

_WHY_NOT: dict[State, type[DomainError]] = {
    State.CANCELLED: EventCancelled,
    State.NOT_OPEN_YET: BookingNotOpen,
    State.CLOSED: BookingNotOpen,
    State.SOLD_OUT: FullyBooked,
}


@require_http_methods(["GET", "HEAD", "POST"])
@page
def book(request: HttpRequest, event_id: int) -> HttpResponse:
    guest = guest_of(request)
    if guest is None and not says_who_they_are():
        return ask_to_sign_in(request)
    if request.method == "POST":
        return _book(request, event_id, guest)
    found = about(request, event_seen(event_id))
    if found["state"] in _WHY_NOT:
        return refused(request, _WHY_NOT[found["state"]](), found)
    if found["has_room"] and not _has_turn(request, event_id, guest):
        return _to_waiting_room(event_id)
    form = _booking_form(guest, saw_seats=found["state"] is State.SEATS, is_known=found["has_room"])
    return show(request, "guests/book.html", {**found, "form": form})


def _has_turn(request: HttpRequest, event_id: int, guest: Guest | None) -> bool:
    token = turn_of(request, event_id)
    if guest is None or token is None:
        return False
    try:
        place = place_in_line(event_id=event_id, token=token, user_id=guest.user_id)
    except InvalidTurn:
        return False
    except NoWaitingRoom:
        return True
    return place.state is PlaceState.READY


def _to_waiting_room(event_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("guests:waiting-room", args=[event_id]))


def _booking_form(
    guest: Guest | None, *, saw_seats: bool, is_known: bool
) -> BookingForm | SignedInBookingForm:
    """`is_known` if they have said already who they are, and wait under that name."""
    if is_known or not says_who_they_are():
        return SignedInBookingForm(initial={"saw_seats": saw_seats})
    known = {"name": guest.name, "email": guest.email} if guest else {}
    return BookingForm(initial={**known, "saw_seats": saw_seats})


def _book(request: HttpRequest, event_id: int, guest: Guest | None) -> HttpResponse:
    count_write(request, guest)
    found = about(request, event_seen(event_id))
    asks_who = says_who_they_are() and (guest is None or not found["has_room"])
    form = BookingForm(request.POST) if asks_who else SignedInBookingForm(request.POST)
    if not form.is_valid():
        return show(
            request, "guests/book.html", {**found, "form": form}, status=HTTPStatus.BAD_REQUEST
        )
    booker = guest_in(form) if isinstance(form, BookingForm) else guest
    assert booker is not None
    sent = IdempotentRequest(
        caller=f"guest {booker.user_id}",
        path=request.path_info,
        key=str(form.cleaned_data["key"]),
        fingerprint=sha256(booker.user_id.encode()).hexdigest(),
        distribution_key=event_id,
    )
    try:
        booking = booking_create(
            event_id=event_id,
            user_id=booker.user_id,
            request=sent,
            turn=turn_of(request, event_id),
        ).value
    except (MustWait, InvalidTurn, TurnMissed):
        return _signed_in(_to_waiting_room(event_id), booker)
    except AlreadyBooked as error:
        mine = active_booking(event_id=event_id, user_id=booker.user_id)
        return _signed_in(refused(request, error, {**found, "mine": mine}), booker)
    except DomainError as error:
        return refused(request, error, found)
    contact_remember(user_id=booker.user_id, name=booker.name, language=booker.language)
    was_faster = form.cleaned_data["saw_seats"] and booking.status == BookingStatus.WAITLISTED
    address = reverse("guests:booking", args=[booking.pk])
    response = HttpResponseRedirect(f"{address}?faster" if was_faster else address)
    return _signed_in(response, booker)


def _signed_in(response: HttpResponse, booker: Guest) -> HttpResponse:
    if says_who_they_are():
        sign_in(response, user_id=booker.user_id, name=booker.name, email=booker.email)
    return response
