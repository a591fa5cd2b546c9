"""What organisers do at the booking desk, and what each group may do there."""

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from booking_project.bookings.domain.errors import AlreadyCancelled
from booking_project.bookings.models import Booking, Event, HistoryEntry
from booking_project.bookings.services import events
from booking_project.bookings.services.batches import do_next_batch
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.bookings.services.events import event_sync
from booking_project.contacts.models import Contact
from booking_project.contacts.services import contact_remember
from booking_project.organisers.models import Note
from booking_project.organisers.selectors import cancellation_plans
from booking_project.organisers.services import bookings_cancel
from tests.support.admin import cells, member
from tests.support.authorization import AskForTokens
from tests.support.booking.factories import EventFactory, announced, booked, now
from tests.support.issuer import secret_token

pytestmark = pytest.mark.django_db

BOOKINGS = "/admin/bookings/booking/"
EVENTS = "/admin/bookings/event/"
BOOK = f"{BOOKINGS}book/"


@pytest.fixture
def agent(browser: Client) -> Client:
    browser.force_login(member("agent"))
    return browser


@pytest.fixture
def event() -> Event:
    """`ann` has its only seat, `ben` and `cat` wait."""
    event: Event = EventFactory(name="Django Day", max_seats=1)
    booked(event, ["ann", "ben", "cat"])
    return event


def booking_of(user_id: str) -> Booking:
    return Booking.objects.get(user_id=user_id)


def page_of(client: Client, booking: Booking) -> str:
    return client.get(f"{BOOKINGS}{booking.pk}/change/").content.decode()


def statuses() -> dict[str, str]:
    return dict(Booking.objects.values_list("user_id", "status"))


def history() -> list[tuple[str, str, str]]:
    found = HistoryEntry.objects.order_by("pk")
    names = {booking.pk: booking.user_id for booking in Booking.objects.all()}
    return [(names[each.booking_id], each.change, each.actor) for each in found]


class TestCancelling:
    def test_says_first_who_would_move_up(self, agent: Client, event: Event) -> None:
        contact_remember(user_id="ben", name="Ben Suk", language="th")

        page = agent.get(f"{BOOKINGS}{booking_of('ann').pk}/cancel/").content.decode()

        assert "1 booking will be cancelled" in page
        assert "this guest moves up to a seat" in page
        assert "Ben Suk" in page
        assert ">cat" not in page
        assert statuses() == {"ann": "confirmed", "ben": "waitlisted", "cat": "waitlisted"}

    def test_promotes_the_next_and_notes_who_did_it(self, agent: Client, event: Event) -> None:
        path = f"{BOOKINGS}{booking_of('ann').pk}/cancel/"

        page = agent.post(path, {"confirmed": "yes"}, follow=True).content.decode()

        assert statuses() == {"ann": "cancelled", "ben": "confirmed", "cat": "waitlisted"}
        assert "Cancelled: ann." in page
        assert "Moved up to a seat: ben." in page
        assert history() == [("ann", "cancelled", "agent"), ("ben", "promoted", "system")]
        assert "agent cancelled the booking." in page
        assert "Moved up to a seat that had become free." in page_of(agent, booking_of("ben"))

    def test_of_several_counts_seats_and_places_in_line(self, agent: Client, event: Event) -> None:
        chosen = [booking_of("ann").pk, booking_of("ben").pk]
        sent = {"action": "cancel_selected", "_selected_action": chosen}

        asked = agent.post(BOOKINGS, sent).content.decode()
        told = agent.post(BOOKINGS, {**sent, "confirmed": "yes"}, follow=True).content.decode()

        assert "2 bookings will be cancelled" in asked
        assert "cat" in asked
        assert "2 bookings are cancelled: ann, ben." in told
        assert statuses() == {"ann": "cancelled", "ben": "cancelled", "cat": "confirmed"}

    def test_tells_by_name_what_failed_and_does_the_rest(self, event: Event) -> None:
        plans = cancellation_plans([booking_of("ann"), booking_of("ben")])
        booking_cancel(booking_id=booking_of("ann").pk)

        result = bookings_cancel(plans, actor="nok")

        assert [each.user_id for each in result.done] == ["ben"]
        [(refused, why)] = result.refused
        assert refused.user_id == "ann"
        assert isinstance(why, AlreadyCancelled)

    def test_leaves_out_what_is_cancelled_already(self, agent: Client, event: Event) -> None:
        booking = booking_of("cat")
        booking_cancel(booking_id=booking.pk)

        told = agent.get(f"{BOOKINGS}{booking.pk}/cancel/", follow=True).content.decode()

        assert "None of these bookings is active any more." in told
        assert f"{BOOKINGS}{booking.pk}/cancel/" not in told

    def test_promotes_nobody_where_seats_were_taken_away(self, event: Event) -> None:
        event = EventFactory(max_seats=2)
        booked(event, ["x", "y", "z"])
        event_sync(announced(event, max_seats=1))

        [plan] = cancellation_plans([booking_of("x")])

        assert plan.next_in_line == []

    def test_of_too_many_is_refused(self, agent: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("booking_project.organisers.admin.bookings.MOST_AT_ONCE", 2)
        three = booked(EventFactory(), ["ann", "ben", "cat"])
        sent = {"action": "cancel_selected", "_selected_action": [each.pk for each in three]}

        told = agent.post(BOOKINGS, {**sent, "confirmed": "yes"}, follow=True).content.decode()

        assert "Select at most 2 bookings at once." in told
        assert set(statuses().values()) == {"confirmed"}


class TestBookingForAGuest:
    def test_gives_a_seat_and_keeps_the_name(self, agent: Client) -> None:
        event = EventFactory()
        sent = {"event": event.pk, "user_id": " Nok@Example.com ", "name": "Nok"}

        page = agent.post(BOOK, sent, follow=True).content.decode()

        assert statuses() == {"nok@example.com": "confirmed"}
        assert "nok@example.com has a seat." in page
        assert "agent booked a seat for the guest." in page
        assert history() == [("nok@example.com", "confirmed", "agent")]
        assert Contact.objects.get().name == "Nok"

    def test_leaves_a_known_language_alone(self, agent: Client) -> None:
        contact_remember(user_id="nok", name="N", language="th")
        agent.post(BOOK, {"event": EventFactory().pk, "user_id": "nok", "name": "Nok"})

        assert Contact.objects.values_list("name", "language").get() == ("Nok", "th")

    def test_gives_the_next_place_in_line(self, agent: Client, event: Event) -> None:
        page = agent.post(BOOK, {"event": event.pk, "user_id": "dan"}, follow=True)

        assert statuses()["dan"] == "waitlisted"
        assert "agent put the guest on the waitlist, as number 3." in page.content.decode()

    @pytest.mark.parametrize(
        ("changes", "user_id", "field", "words"),
        [
            ({}, "ann", "user_id", "user already has an active booking for this event"),
            ({"waitlist_limit": 2}, "dan", "event", "event is fully booked (seats + waitlist)"),
            ({"booking_start_at": now().replace(year=2099)}, "dan", "event", "booking is not open"),
        ],
    )
    def test_shows_a_refusal_beside_the_field(
        self,
        agent: Client,
        event: Event,
        changes: dict[str, object],
        user_id: str,
        field: str,
        words: str,
    ) -> None:
        if "booking_start_at" in changes:
            changes = {**changes, "booking_end_at": now().replace(year=2100)}
        Event.objects.filter(pk=event.pk).update(**changes)

        response = agent.post(BOOK, {"event": event.pk, "user_id": user_id})

        assert response.context["form"].errors == {field: [words]}
        assert words in response.content.decode()

    @pytest.mark.parametrize("user_id", ["", "  ", "\u200b", "x" * 256])
    def test_needs_a_user(self, agent: Client, event: Event, user_id: str) -> None:
        response = agent.post(BOOK, {"event": event.pk, "user_id": user_id})

        assert set(response.context["form"].errors) == {"user_id"}

    def test_begins_with_the_event_that_one_came_from(self, agent: Client, event: Event) -> None:
        page = agent.get(f"{EVENTS}{event.pk}/book/", follow=True).content.decode()

        assert f'<option value="{event.pk}" selected>' in page


class TestHistory:
    def test_costs_a_booking_nothing(self, event: Event) -> None:
        assert history() == []

    def test_names_the_guest_who_cancels(self, agent: Client, event: Event) -> None:
        booking_cancel(booking_id=booking_of("ann").pk, user_id="ann")

        page = page_of(agent, booking_of("ann"))

        assert history()[0] == ("ann", "cancelled", "ann")
        assert "The guest booked a seat." in page
        assert "The guest cancelled the booking." in page

    def test_names_whoever_acts_through_the_api_for_somebody_else(
        self, browser: Client, ask_for_tokens: AskForTokens
    ) -> None:
        ask_for_tokens()
        root = {"authorization": f"Bearer {secret_token(sub='root', roles=['admin'])}"}
        ann = {"authorization": f"Bearer {secret_token(sub='ann')}"}
        path = f"/api/v1/events/{EventFactory().pk}/bookings"
        for headers, user_id in ((root, "ben"), (ann, "ann")):
            body = json.dumps({"user_id": user_id})
            browser.post(path, body, content_type="application/json", headers=headers)
        for user_id, headers in (("ben", root), ("ann", ann)):
            browser.delete(f"/api/v1/bookings/{booking_of(user_id).pk}", headers=headers)

        assert history() == [
            ("ben", "confirmed", "root"),
            ("ben", "cancelled", "root"),
            ("ann", "cancelled", "ann"),
        ]

    def test_says_that_an_open_api_knows_nobody(self, browser: Client, event: Event) -> None:
        browser.delete(f"/api/v1/bookings/{booking_of('cat').pk}")

        assert history() == [("cat", "cancelled", "anybody")]

    def test_tells_of_more_seats_and_of_a_cancelled_event(
        self, agent: Client, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "PROMOTION_BATCH", 1)
        event_sync(announced(event, max_seats=3))
        while do_next_batch():
            pass
        event.refresh_from_db()
        event_sync(announced(event, cancelled_at=now()))
        while do_next_batch():
            pass

        page = page_of(agent, booking_of("cat"))

        assert "The guest joined the waitlist, as number 2." in page
        assert "Moved up to a seat, because there are more seats." in page
        assert "Cancelled, because the event is cancelled." in page
        assert sorted(history()) == sorted(
            [
                ("ben", "promoted", "system"),
                ("cat", "promoted", "system"),
                *((user, "cancelled", "system") for user in ("ann", "ben", "cat")),
            ]
        )

    def test_has_a_second_cancellation_only_once(self, event: Event) -> None:
        booking_cancel(booking_id=booking_of("cat").pk)
        with pytest.raises(AlreadyCancelled):
            booking_cancel(booking_id=booking_of("cat").pk)

        assert history() == [("cat", "cancelled", "cat")]


class TestPages:
    def test_an_events_page_has_seats_and_line_in_order(self, agent: Client, event: Event) -> None:
        contact_remember(user_id="cat", name="Cat W", language="en")

        page = agent.get(f"{EVENTS}{event.pk}/change/").content.decode()

        places = [page.index(f">{user}<") for user in ("ann", "ben", "cat")]
        assert places == sorted(places)
        assert "Cat W" in page
        assert "nobody may be overtaken" in page
        assert f'href="{EVENTS}{event.pk}/live/"' in page

    @pytest.mark.parametrize(
        ("state", "shown"),
        [
            ("upcoming", "Soon"),
            ("open", "Open air"),
            ("sold_out", "Django Day"),
            ("closed", "Over"),
            ("cancelled", "Off"),
        ],
    )
    def test_events_are_filtered_by_their_state(
        self, agent: Client, event: Event, state: str, shown: str
    ) -> None:
        EventFactory(name="Open air")
        EventFactory(name="Soon", not_started=True, booking_end_at=now().replace(year=2099))
        EventFactory(name="Over", over=True)
        EventFactory(name="Off", cancelled_at=now())

        page = agent.get(f"{EVENTS}?state={state}").content.decode()

        assert [title.split(" (#")[0] for title in cells(page, "title")] == [shown]

    def test_a_waitlist_is_listed_in_its_order(self, agent: Client, event: Event) -> None:
        Booking.objects.filter(user_id="ben").update(waitlist_order=9)
        query = f"?event__id__exact={event.pk}&status__exact=waitlisted"

        page = agent.get(f"{BOOKINGS}{query}").content.decode()

        assert cells(page, "guest") == ["cat", "ben"]

    @pytest.mark.parametrize(
        ("query", "found"), [("an", ["anna", "ann"]), ("ANNA", ["anna"]), ("nn", []), ("%", [])]
    )
    def test_guests_are_found_by_how_their_id_begins(
        self, agent: Client, query: str, found: list[str]
    ) -> None:
        booked(EventFactory(), ["ann", "anna", "ben"])

        assert cells(agent.get(BOOKINGS, {"q": query}).content.decode(), "guest") == found

    @pytest.mark.parametrize("path", [BOOKINGS, EVENTS])
    def test_notes_are_kept_with_their_author(self, agent: Client, event: Event, path: str) -> None:
        row = event if path == EVENTS else booking_of("ann")
        for text in ("<b>Vegetarian</b>", " "):
            page = agent.post(f"{path}{row.pk}/notes", {"text": text}, follow=True)

        assert "&lt;b&gt;Vegetarian&lt;/b&gt;" in page.content.decode()
        note = Note.objects.get()
        assert (note.author, note.event or note.booking) == (User.objects.get(), row)

    def test_unknown_rows_are_not_found(self, agent: Client) -> None:
        assert agent.get(f"{BOOKINGS}999/cancel/").status_code == 404
        assert agent.post(f"{EVENTS}999/notes", {"text": "x"}).status_code == 404


def sends(method: str, path: str, body: object = None) -> Callable[[Client, Event], HttpResponse]:
    def send(client: Client, event: Event) -> HttpResponse:
        filled = path.format(event=event.pk, booking=booking_of("ann").pk)
        if path.startswith("/api/"):
            data = b"" if body is None else json.dumps(body).encode()
            return client.generic(method, filled, data, content_type="application/json")
        return client.post(filled, body) if method == "POST" else client.get(filled)

    return send


ADMIN = "/admin/bookings"
CALLS = {
    "start page": sends("GET", "/admin/"),
    "events": sends("GET", EVENTS),
    "page of an event": sends("GET", f"{EVENTS}{{event}}/change/"),
    "bookings": sends("GET", BOOKINGS),
    "page of a booking": sends("GET", f"{BOOKINGS}{{booking}}/change/"),
    "export": sends("GET", f"{BOOKINGS}export.csv"),
    "mails": sends("GET", "/admin/notifications/notification/"),
    "users": sends("GET", "/admin/auth/user/"),
    "cancel page": sends("GET", f"{BOOKINGS}{{booking}}/cancel/"),
    "cancel": sends("POST", f"{BOOKINGS}{{booking}}/cancel/", {"confirmed": "yes"}),
    "book page": sends("GET", BOOK),
    "book": sends("POST", BOOK, {"event": 1, "user_id": "dan"}),
    "note": sends("POST", f"{BOOKINGS}{{booking}}/notes", {"text": "Vegetarian"}),
    "API: bookings of an event": sends("GET", "/api/v1/events/{event}/bookings"),
    "API: bookings of a user": sends("GET", "/api/v1/bookings?user_id=ann"),
    "API: booking": sends("GET", "/api/v1/bookings/{booking}"),
    "API: book": sends("POST", "/api/v1/events/{event}/bookings", {"user_id": "dan"}),
    "API: cancel": sends("DELETE", "/api/v1/bookings/{booking}"),
}
SEES = {
    **dict.fromkeys(CALLS, 200),
    "users": 403,
    **dict.fromkeys(["cancel page", "cancel", "book page", "book", "note"], 403),
    **dict.fromkeys(["API: book", "API: cancel"], 403),
}
ACTS = {
    **SEES,
    "cancel page": 200,
    "cancel": 302,
    "book page": 200,
    "book": 200,  # the form again: there is no event 1
    "note": 302,
    "API: book": 201,
    "API: cancel": 200,
}
MATRIX = {"viewer": SEES, "agent": ACTS, "manager": ACTS}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("group", MATRIX)
def test_members_may_do_what_their_group_is_for(
    browser: Client, ask_for_tokens: AskForTokens, event: Event, group: str, call: str
) -> None:
    ask_for_tokens()
    browser.force_login(member(group))
    before = statuses()

    assert CALLS[call](browser, event).status_code == MATRIX[group][call]

    if group == "viewer":
        assert statuses() == before
        assert not Note.objects.exists()


@pytest.mark.parametrize(("group", "cancelled"), [("viewer", False), ("agent", True)])
def test_the_list_offers_actions_only_to_those_who_may(
    browser: Client, event: Event, group: str, cancelled: bool
) -> None:
    browser.force_login(member(group))
    ann = booking_of("ann")
    sent = {"action": "cancel_selected", "_selected_action": [ann.pk], "confirmed": "yes"}

    page = browser.get(BOOKINGS).content.decode()
    browser.post(BOOKINGS, sent)

    assert ("cancel_selected" in page) is cancelled
    assert (f'href="{BOOK}"' in page) is cancelled
    assert (booking_of("ann").status == "cancelled") is cancelled
