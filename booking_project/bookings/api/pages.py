"""What the browsable API shows besides the responses: links, and bodies to start from."""

from shared.api.pages import Link, Page

_BOOKING = "/api/v1/bookings/{id}"
_STATUS = "/api/v1/events/{event_id}/status"
_EVENT_BOOKINGS = "/api/v1/events/{event_id}/bookings"
_THE_EVENT = {"The event": "{EVENT_PUBLIC_URL}/api/v1/events/{event_id}"}

EVENTS = Page(item=Link("#{id} {name}", "/api/v1/events/{id}/status"))
STATUS = Page(links={"Its bookings": _EVENT_BOOKINGS, **_THE_EVENT})
EVENT_BOOKINGS = Page(
    links={
        "How full it is": _STATUS,
        **_THE_EVENT,
        "Confirmed": f"{_EVENT_BOOKINGS}?status=confirmed",
        "Waitlisted": f"{_EVENT_BOOKINGS}?status=waitlisted",
    },
    item=Link("#{id} {user_id}: {status}", _BOOKING),
    bodies={"POST": lambda _: {"user_id": "user-001"}},
)
WAITING_ROOM = Page(
    links={"How full it is": _STATUS, **_THE_EVENT},
    bodies={"POST": lambda _: {"user_id": "user-001"}},
)
USER_BOOKINGS = Page(item=Link("#{id} event {event_id}: {status}", _BOOKING))
BOOKING = Page(
    links={
        "How full the event is": _STATUS,
        "The event's bookings": _EVENT_BOOKINGS,
        "The user's bookings": "/api/v1/bookings?user_id={user_id}",
        **_THE_EVENT,
    }
)
