from django.urls import path, register_converter

from booking_project.guests.login import views as login
from booking_project.guests.views import booking, bookings, events, visitors, waiting_room
from shared.api.ids import LARGEST_ID


class IdConverter:
    """A number too large for the column is one that nobody has."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        return min(int(value), LARGEST_ID)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(IdConverter, "id")

app_name = "guests"
urlpatterns = [
    path("", events.events, name="events"),
    path("events/<id:event_id>", events.event, name="event"),
    path("events/<id:event_id>/book", booking.book, name="book"),
    path("events/<id:event_id>/waiting-room", waiting_room.waiting_room, name="waiting-room"),
    path("events/<id:event_id>/line/<id:booking_id>", bookings.place, name="place"),
    path("bookings", bookings.bookings, name="bookings"),
    path("bookings/<id:booking_id>", bookings.booking, name="booking"),
    path("bookings/<id:booking_id>/cancel", bookings.cancel, name="cancel"),
    path("bookings/<id:booking_id>/calendar.ics", bookings.calendar, name="calendar"),
    path("bookings/<id:booking_id>/ticket.svg", bookings.ticket, name="ticket"),
    path("sign-in", visitors.sign_in_page, name="sign-in"),
    path("sign-in/callback", login.finish, name="sign-in-callback"),
    path("sign-out", visitors.sign_out_page, name="sign-out"),
    path("language", visitors.language, name="language"),
]
