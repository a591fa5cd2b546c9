"""Events and bookings to look at, and somebody who may see the admin."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from tests.support.end_to_end.clients import EVENTS, Sale, from_now
from tests.support.end_to_end.people import (
    LOGIN_PATH,
    PASSWORD,
    create_member,
    create_superuser,
)
from tests.support.end_to_end.system import System

ORGANISER = "organiser"
DESCRIPTION = """A whole day of **Go**, in Thai, for people who have programmed before.

## What you learn

- how the language is built
- goroutines and channels
- testing and measuring

Bring a laptop. Lunch is included.
"""


@dataclass(frozen=True)
class Showcase:
    """`ids` are the values of paths: events by their state, and bookings by theirs."""

    ids: dict[str, int]


def arrange(sale: Sale) -> Showcase:
    ids = {
        "open": sale.create_event(
            name="เวิร์กช็อป Go ที่กรุงเทพฯ",
            venue="True Digital Park, Bangkok",
            description=DESCRIPTION,
            starts_at=from_now(days=20),
            ends_at=from_now(days=20, hours=7),
            max_seats=50,
            waitlist_limit=10,
        ),
        "sold_out": sale.create_event(
            name="Django Day Bangkok",
            venue="BITEC, Hall 3",
            starts_at=from_now(days=30),
            max_seats=3,
            waitlist_limit=2,
        ),
        "upcoming": sale.create_event(
            name="PyCon Thailand",
            venue="Avani Riverside, Bangkok",
            starts_at=from_now(days=40),
            booking_start_at=from_now(days=3),
            booking_end_at=from_now(days=30),
        ),
        "crowded": sale.create_event(
            name="Bangkok Summer Sonic",
            venue="Impact Arena",
            starts_at=from_now(days=50),
            max_seats=5000,
            waiting_room_rate=1,
        ),
        "early": sale.create_event(
            name="Khruangbin Live",
            venue="Asiatique, Bangkok",
            starts_at=from_now(days=60),
            booking_start_at=from_now(minutes=25),
            booking_end_at=from_now(days=30),
            waiting_room_rate=50,
        ),
        "closed": sale.create_event(
            name="Jazz by the River",
            booking_start_at=from_now(days=-30),
            booking_end_at=from_now(days=-1),
        ),
    }
    guests = ("somchai", "malee", "anong", "prasert", "nok")
    booked = [sale.booked(ids["sold_out"], f"{name}@example.com") for name in guests]
    for number in range(150):
        room = f"{EVENTS}/{ids['crowded']}/waiting-room"
        joined = sale.bookings.post(room, json={"user_id": f"guest-{number}"})
        assert joined.status_code == 201, joined.text
    ids |= {"confirmed": booked[0]["id"], "waitlisted": booked[3]["id"]}
    seats = {name: sale.booked(ids["open"], f"{name}@example.com") for name in guests}
    ids["ticket"] = seats["prasert"]["id"]
    return Showcase(ids)


def guest_state(browser: Browser, system: System) -> dict[str, Any]:
    """The cookies of a guest with a seat and a place in line, for `Windows.open`."""
    context = browser.new_context(base_url=system.booking_url)
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("[name=name]").fill("ประเสริฐ")
    page.locator("[name=email]").fill("prasert@example.com")
    page.locator("[name=email]").press("Enter")
    page.wait_for_url("**/bookings")
    state: dict[str, Any] = {"storage_state": context.storage_state()}
    context.close()
    return state


def organiser_state(browser: Browser, system: System) -> dict[str, Any]:
    """The cookies of somebody who is logged in to both admins, for `Windows.open`."""
    assert system.own is not None
    context = browser.new_context()
    page = context.new_page()
    for service, url in (("event", system.event_url), ("booking", system.booking_url)):
        create_superuser(service, system.own.environ, ORGANISER)
        log_in(page, url, ORGANISER)
    state: dict[str, Any] = {"storage_state": context.storage_state()}
    context.close()
    return state


def member_state(browser: Browser, system: System, group: str) -> dict[str, Any]:
    """The cookies of a member of the group, who is called like it, at both desks."""
    assert system.own is not None
    context = browser.new_context()
    page = context.new_page()
    for service, url in (("event", system.event_url), ("booking", system.booking_url)):
        create_member(service, system.own.environ, group, group=group)
        log_in(page, url, group)
    state: dict[str, Any] = {"storage_state": context.storage_state()}
    context.close()
    return state


def log_in(page: Page, url: str, name: str) -> None:
    """To the admin of the service."""
    page.goto(f"{url}{LOGIN_PATH}")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{url}/admin/")
