"""The organiser's way through the event desk."""

import signal
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.checks import check_accessibility, check_width
from tests.support.browser.windows import DARK, DESKTOP, NO_JS, PHONE, THAI, Windows
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.system import System
from tests.support.waiting import until

EVENTS = "/admin/events/event/"


@pytest.fixture
def desk(windows: Windows, organiser: dict[str, Any], system: System) -> Page:
    return windows.open(organiser, base_url=system.event_url)


def sold_out(sale: Sale, *, seats: int, waiting: int) -> int:
    event_id = sale.create_event(name="Jazz Night", max_seats=seats, waitlist_limit=20)
    for number in range(seats + waiting):
        sale.booked(event_id, f"guest-{number}@example.com")
    return event_id


@pytest.mark.parametrize("look", [DESKTOP, PHONE, DARK], ids=["1280", "390", "dark"])
def test_pages_fit_and_are_accessible(
    look: dict[str, Any], windows: Windows, organiser: dict[str, Any], system: System, sale: Sale
) -> None:
    event_id = sold_out(sale, seats=1, waiting=1)
    desk = windows.open(look, organiser, base_url=system.event_url)

    for path in (EVENTS, f"{EVENTS}{event_id}/change/", f"{EVENTS}add/"):
        desk.goto(path)
        check_width(desk)
        check_accessibility(desk)


def test_fewer_seats_are_confirmed_by_somebody_who_read_what_that_does(
    desk: Page, sale: Sale
) -> None:
    event_id = sold_out(sale, seats=3, waiting=1)
    desk.goto(f"{EVENTS}{event_id}/change/")
    expect(desk.get_by_text("3 of 3 · 1 waiting")).to_be_visible()

    desk.locator("[name=max_seats]").fill("2")
    desk.get_by_role("button", name="Save", exact=True).click()

    expect(desk.get_by_text("3 guests have seats. With 2 nobody loses a seat")).to_be_visible()
    check_accessibility(desk)
    desk.get_by_role("button", name="No, back to the form").click()
    expect(desk.get_by_text("Nothing has been saved yet.")).to_be_visible()
    assert desk.locator("[name=max_seats]").input_value() == "2"
    desk.get_by_role("button", name="Save", exact=True).click()
    desk.get_by_role("button", name="Yes, change the event").click()
    desk.wait_for_url(f"**{EVENTS}")
    until(lambda: sale.status(event_id)["max_seats"] == 2, "the change to arrive")


def test_cancelling_says_whom_it_concerns_without_a_script(
    windows: Windows, organiser: dict[str, Any], system: System, sale: Sale
) -> None:
    event_id = sold_out(sale, seats=2, waiting=1)
    desk = windows.open(NO_JS, organiser, base_url=system.event_url)
    desk.goto(f"{EVENTS}{event_id}/change/")

    desk.get_by_role("button", name="Cancel this event").click()

    expect(desk.get_by_text("2 guests lose their seats and 1 on the waitlist")).to_be_visible()
    desk.get_by_role("button", name="Yes, cancel").click()
    expect(desk.get_by_text("1 event cancelled.")).to_be_visible()
    until(lambda: sale.status(event_id)["cancelled_at"] is not None, "the cancellation to arrive")


def test_a_frozen_booking_service_holds_up_no_page(desk: Page, sale: Sale, system: System) -> None:
    sold_out(sale, seats=1, waiting=0)
    assert system.own is not None
    master = psutil.Process(system.own.booking.pid)
    processes = [master, *master.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        desk.goto(EVENTS)
        expect(desk.get_by_text("Unknown").first).to_be_visible()
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)

    desk.goto(EVENTS)
    expect(desk.get_by_text("Up to date").first).to_be_visible()


def test_the_desk_speaks_thai(
    windows: Windows, organiser: dict[str, Any], system: System, sale: Sale
) -> None:
    sold_out(sale, seats=1, waiting=0)
    desk = windows.open(THAI, organiser, base_url=system.event_url)

    desk.goto(EVENTS)

    expect(desk.get_by_text("เต็มแล้ว").first).to_be_visible()
