"""Finding an event."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking_project.bookings.selectors import active_booking
from booking_project.guests.context import about
from booking_project.guests.identity import guest_of
from booking_project.guests.pages import page, show
from booking_project.guests.snapshots import event_seen, upcoming_found, upcoming_seen
from booking_project.guests.states import state_of

EVENTS_PER_PAGE = 24
LONGEST_SEARCH = 100


@require_safe
@page
def events(request: HttpRequest) -> HttpResponse:
    search = " ".join(request.GET.get("q", "")[:LONGEST_SEARCH].split())
    found = upcoming_found(search) if search else upcoming_seen()
    shown = Paginator(found, EVENTS_PER_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    cards = [{"event": event, "state": state_of(event, now=now)} for event in shown]
    return show(request, "guests/events.html", {"cards": cards, "shown": shown, "search": search})


@require_safe
@page
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    found = event_seen(event_id)
    guest = guest_of(request)
    mine = active_booking(event_id=event_id, user_id=guest.user_id) if guest else None
    return show(request, "guests/event.html", {**about(request, found), "mine": mine})
