"""A guest's own bookings. Those of others don't exist here."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from booking_project.bookings.domain.errors import AlreadyCancelled
from booking_project.bookings.domain.transitions import FINAL_STATUSES, BookingStatus
from booking_project.bookings.models import Booking
from booking_project.bookings.selectors import bookings_shown
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.storage.loaders import booking_load, booking_load_in_line
from booking_project.guests import files
from booking_project.guests.context import about
from booking_project.guests.identity import guest_of
from booking_project.guests.pages import ask_to_sign_in, count_write, page, show
from booking_project.guests.snapshots import event_seen, line_seen


@require_safe
@page
def bookings(request: HttpRequest) -> HttpResponse:
    guest = guest_of(request)
    if guest is None:
        return ask_to_sign_in(request)
    found = bookings_shown(user_id=guest.user_id)
    active = [_card(each) for each in found if each.status not in FINAL_STATUSES]
    past = [_card(each) for each in found if each.status in FINAL_STATUSES]
    return show(request, "guests/bookings.html", {"active": active, "past": past})


def _card(booking: Booking) -> dict[str, Any]:
    return {"booking": booking, "event": booking.event, "place": _place(booking)}


def _place(booking: Booking) -> int | None:
    """None if they don't wait, or so far behind that it isn't counted."""
    if booking.status != BookingStatus.WAITLISTED:
        return None
    found = line_seen(booking.event_id).get(booking.pk)
    return found.position if found else None


@require_safe
@page
def booking(request: HttpRequest, booking_id: int) -> HttpResponse:
    guest = guest_of(request)
    if guest is None:
        return ask_to_sign_in(request)
    found = booking_load_in_line(booking_id=booking_id, user_id=guest.user_id)
    return show(
        request,
        "guests/booking.html",
        {
            **about(request, event_seen(found.event_id)),
            "booking": found,
            "place": found.waitlist_position,
            "was_faster": "faster" in request.GET,
        },
    )


@require_safe
@page
def place(request: HttpRequest, event_id: int, booking_id: int) -> HttpResponse:
    """What changes on the page of a waiting booking, or on its card. Nothing (204) while the place
    is still the one that is `shown` there."""
    guest = guest_of(request)
    if guest is None:
        raise Http404
    in_line = line_seen(event_id).get(booking_id)
    if in_line is not None and in_line.user_id == guest.user_id:
        position = in_line.position
        if request.GET.get("shown") == str(position):
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        found = booking_load(booking_id=booking_id, user_id=guest.user_id)
    else:
        found = booking_load_in_line(booking_id=booking_id, user_id=guest.user_id)
    is_card = request.GET.get("as") == "card"
    return show(
        request,
        "guests/card.html" if is_card else "guests/ticket.html",
        {
            **about(request, event_seen(found.event_id)),
            "booking": found,
            "place": _place(found),
            "is_new": found.status == BookingStatus.CONFIRMED,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page
def cancel(request: HttpRequest, booking_id: int) -> HttpResponse:
    guest = guest_of(request)
    if guest is None:
        return ask_to_sign_in(request)
    if request.method == "POST":
        count_write(request, guest)
        with suppress(AlreadyCancelled):  # sent twice
            booking_cancel(booking_id=booking_id, user_id=guest.user_id)
        return redirect("guests:booking", booking_id, permanent=False)
    found = booking_load_in_line(booking_id=booking_id, user_id=guest.user_id)
    if found.status in FINAL_STATUSES:
        raise AlreadyCancelled
    context = {**about(request, event_seen(found.event_id)), "booking": found}
    return show(request, "guests/cancel.html", context)


@require_safe
@page
def calendar(request: HttpRequest, booking_id: int) -> HttpResponse:
    guest = guest_of(request)
    if guest is None:
        return ask_to_sign_in(request)
    found = booking_load(booking_id=booking_id, user_id=guest.user_id)
    event = event_seen(found.event_id)
    if found.status != BookingStatus.CONFIRMED or event.starts_at is None:
        raise Http404
    address = _public_address(request, reverse("guests:booking", args=[found.pk]))
    return HttpResponse(
        files.calendar_of(found, event, address=address),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="booking-{found.pk}.ics"'},
    )


@require_safe
@page
def ticket(request: HttpRequest, booking_id: int) -> HttpResponse:
    guest = guest_of(request)
    if guest is None:
        raise Http404
    found = booking_load(booking_id=booking_id, user_id=guest.user_id)
    if found.status != BookingStatus.CONFIRMED:
        raise Http404
    address = _public_address(request, reverse("guests:booking", args=[found.pk]))
    return HttpResponse(
        files.qr_code_of(address),
        content_type="image/svg+xml",
        headers={"Cache-Control": "private, max-age=3600"},
    )


def _public_address(request: HttpRequest, path: str) -> str:
    return (
        f"{settings.BOOKING_PUBLIC_URL}{path}"
        if settings.BOOKING_PUBLIC_URL
        else (request.build_absolute_uri(path))
    )
