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
)
from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.selectors import active_booking
from booking_project.bookings.services.bookings import booking_create
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
    form = _booking_form(guest, saw_seats=found["state"] is State.SEATS)
    return show(request, "guests/book.html", {**found, "form": form})


def _booking_form(guest: Guest | None, *, saw_seats: bool) -> BookingForm | SignedInBookingForm:
    if not says_who_they_are():
        return SignedInBookingForm(initial={"saw_seats": saw_seats})
    known = {"name": guest.name, "email": guest.email} if guest else {}
    return BookingForm(initial={**known, "saw_seats": saw_seats})


def _book(request: HttpRequest, event_id: int, guest: Guest | None) -> HttpResponse:
    count_write(request, guest)
    form = BookingForm(request.POST) if says_who_they_are() else SignedInBookingForm(request.POST)
    found = about(request, event_seen(event_id))
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
        booking = booking_create(event_id=event_id, user_id=booker.user_id, request=sent).value
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
