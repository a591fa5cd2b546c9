"""What organisers do at the booking desk, and what each group may do at both desks."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser.checks import check_accessibility, check_width
from tests.support.browser.showcase import member_state
from tests.support.browser.windows import NO_JS, PHONE, THAI, Windows
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.system import System

EVENTS = "/admin/bookings/event/"
BOOKINGS = "/admin/bookings/booking/"
GROUPS = ("viewer", "agent", "manager")


@pytest.fixture(scope="session")
def members(browser: Browser, system: System) -> dict[str, dict[str, Any]]:
    """The cookies of one member of each group."""
    return {group: member_state(browser, system, group) for group in GROUPS}


@pytest.fixture
def desk(windows: Windows, members: dict[str, dict[str, Any]]) -> Page:
    """An agent's."""
    return windows.open(members["agent"])


@pytest.fixture
def event(sale: Sale) -> int:
    """`ann` has its only seat; `ben` and `cat` wait. Their addresses are those of this event."""
    event = sale.create_event(name="Jazz Night", max_seats=1, waitlist_limit=5)
    for name in ("ann", "ben", "cat"):
        sale.booked(event, address(name, event))
    return event


def address(name: str, event: int) -> str:
    return f"{name}.{event}@example.com"


def booking_of(sale: Sale, event: int, name: str) -> int:
    [found] = sale.bookings.get("/api/v1/bookings", params={"user_id": address(name, event)}).json()
    booking: int = found["id"]
    return booking


def guests(desk: Page) -> list[str]:
    """Those on the list of bookings, from top to bottom."""
    cells = desk.locator("#result_list .field-guest")
    return [text.split()[0] for text in cells.all_inner_texts()]


def test_an_events_bookings_are_one_click_away(desk: Page, event: int) -> None:
    desk.goto(f"{EVENTS}?q={event}")
    row = desk.locator("#result_list tbody tr").filter(has_text=f"(#{event})")

    row.get_by_role("link", name="Bookings").click()

    desk.wait_for_url(re.compile(rf"event__id__exact={event}"))
    assert guests(desk) == [address(name, event) for name in ("cat", "ben", "ann")]


def test_cancelling_promotes_the_next_who_sees_it_at_once(
    desk: Page, page: Page, event: int, sale: Sale
) -> None:
    page.goto("/sign-in")
    page.locator("[name=name]").fill("Ben")
    page.locator("[name=email]").fill(address("ben", event))
    page.locator("[name=email]").press("Enter")
    page.wait_for_url("**/bookings")
    page.goto(f"/bookings/{booking_of(sale, event, 'ben')}")
    expect(page.get_by_role("heading", name="You are in line")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    desk.goto(f"{BOOKINGS}{booking_of(sale, event, 'ann')}/change/")

    desk.get_by_role("link", name="Cancel booking").click()
    expect(desk.get_by_text("this guest moves up to a seat")).to_be_visible()
    check_accessibility(desk)
    desk.get_by_role("button", name="Yes, cancel 1 booking").click()

    expect(desk.get_by_text(f"Moved up to a seat: {address('ben', event)}.")).to_be_visible()
    expect(desk.get_by_text("agent cancelled the booking.")).to_be_visible()
    expect(page.get_by_role("heading", name="It is your turn: you have a seat")).to_be_visible()
    assert page.evaluate("window.notReloaded"), "the guest's page was loaded again"
    desk.goto(f"{EVENTS}{event}/change/")
    expect(desk.get_by_text("1 of 1 seats")).to_be_visible()
    expect(desk.locator("[aria-labelledby=seated]")).to_contain_text(address("ben", event))
    expect(desk.locator("[aria-labelledby=line]")).not_to_contain_text(address("ben", event))


def test_several_are_cancelled_from_the_list(desk: Page, event: int, sale: Sale) -> None:
    desk.goto(f"{BOOKINGS}?event__id__exact={event}")
    for name in ("ann", "ben"):
        row = desk.locator("#result_list tbody tr").filter(has_text=address(name, event))
        row.get_by_role("checkbox").check()

    desk.locator("select[name=action]").select_option("cancel_selected")
    desk.get_by_role("button", name="Run").click()
    desk.get_by_role("button", name="Yes, cancel 2 bookings").click()

    expect(desk.get_by_text(f"Moved up to a seat: {address('cat', event)}.")).to_be_visible()
    assert sale.counts(event) == (1, 0, 0)


def test_a_guest_is_booked_with_the_keyboard_and_a_refusal_is_beside_its_field(
    desk: Page, event: int
) -> None:
    desk.goto(f"{EVENTS}{event}/change/")
    desk.get_by_role("link", name="Book for a guest").press("Enter")
    expect(desk.locator("[name=event]")).to_have_value(str(event))

    desk.locator("[name=user_id]").fill(address("ann", event))
    desk.locator("[name=user_id]").press("Enter")
    refusal = desk.get_by_text("user already has an active booking for this event")
    expect(refusal).to_be_visible()
    check_accessibility(desk)
    desk.locator("[name=user_id]").fill(address("dan", event))
    desk.locator("[name=name]").fill("Dan")
    desk.locator("[name=name]").press("Enter")

    expect(desk.get_by_text(f"{address('dan', event)} is on the waitlist.")).to_be_visible()
    expect(desk.get_by_text("agent put the guest on the waitlist, as number 3.")).to_be_visible()
    desk.goto(f"{EVENTS}{event}/change/")
    expect(desk.locator("[aria-labelledby=line]")).to_contain_text("Dan")


def test_an_export_has_what_the_list_shows_and_no_formula(
    desk: Page, event: int, sale: Sale, tmp_path: Path
) -> None:
    sale.booked(event, '=HYPERLINK("http://evil.example";"Click")')
    desk.goto(f"{BOOKINGS}?event__id__exact={event}&status__exact=waitlisted")

    with desk.expect_download() as download:
        desk.get_by_role("link", name="CSV").click()

    file = tmp_path / "export.csv"
    download.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert download.value.suggested_filename.endswith(".csv")
    assert [row["User id"] for row in rows] == [
        address("ben", event),
        address("cat", event),
        '\'=HYPERLINK("http://evil.example";"Click")',
    ]
    assert [row["Number in line"] for row in rows] == ["1", "2", "3"]
    assert {row["Event"] for row in rows} == {"Jazz Night"}
    assert {row["Time zone"] for row in rows} == {"Asia/Bangkok"}


def test_guests_are_found_by_how_their_address_begins(desk: Page, event: int) -> None:
    desk.goto(BOOKINGS)
    search = desk.get_by_placeholder("How an address begins, or a number")
    search.fill(f"ben.{event}")
    search.press("Enter")

    desk.wait_for_url(re.compile(rf"q=ben\.{event}"))
    assert guests(desk) == [address("ben", event)]
    desk.get_by_role("link", name=address("ben", event)).click()
    expect(desk.get_by_text("The guest joined the waitlist, as number 1.")).to_be_visible()


def test_without_a_script_a_booking_is_cancelled_and_a_note_is_kept(
    windows: Windows, members: dict[str, dict[str, Any]], event: int, sale: Sale
) -> None:
    desk = windows.open(NO_JS, members["agent"])
    desk.goto(f"{BOOKINGS}{booking_of(sale, event, 'cat')}/change/")

    desk.locator("textarea[name=text]").fill("Rang to cancel.")
    desk.get_by_role("button", name="Keep the note").click()
    expect(desk.get_by_text("Rang to cancel.")).to_be_visible()
    desk.get_by_role("link", name="Cancel booking").click()
    expect(desk.get_by_text("Nobody moves up.")).to_be_visible()
    desk.get_by_role("button", name="Yes, cancel 1 booking").click()

    expect(desk.get_by_text(f"Cancelled: {address('cat', event)}.")).to_be_visible()
    assert sale.counts(event) == (1, 1, 0)


def test_the_desk_is_in_thai_and_fits_a_phone(
    windows: Windows, members: dict[str, dict[str, Any]], event: int
) -> None:
    desk = windows.open(PHONE, THAI, members["agent"])
    for path, text in (
        ("/admin/", "ภาพรวม"),
        (EVENTS, "ที่นั่ง"),
        (f"{EVENTS}{event}/change/", "ต้องไม่มีใครถูกแซง"),
        (BOOKINGS, "ผู้จอง"),
        (f"{BOOKINGS}book/", "จองแทนผู้เข้าร่วม"),
    ):
        desk.goto(path)
        expect(desk.locator("body")).to_contain_text(text)
        check_width(desk)
        check_accessibility(desk)


# What each group sees at the desks, and which addresses it may open.
OFFERS = {"viewer": False, "agent": True, "manager": True}


@pytest.mark.parametrize("group", GROUPS)
def test_the_booking_desk_offers_a_group_what_it_may_do(
    group: str, windows: Windows, members: dict[str, dict[str, Any]], event: int, sale: Sale
) -> None:
    desk = windows.open(members[group])
    count = int(OFFERS[group])
    booking = booking_of(sale, event, "ann")

    desk.goto("/admin/")
    expect(desk.get_by_role("heading", name="On sale now")).to_be_visible()
    expect(desk.get_by_role("heading", name="Staff")).to_be_hidden()
    desk.goto(f"{EVENTS}{event}/change/")
    expect(desk.get_by_role("link", name="Book for a guest")).to_have_count(count)
    desk.goto(BOOKINGS)
    expect(desk.locator("select[name=action]")).to_have_count(count)
    expect(desk.get_by_role("link", name="CSV")).to_be_visible()
    desk.goto(f"{BOOKINGS}{booking}/change/")
    expect(desk.get_by_role("link", name="Cancel booking")).to_have_count(count)
    expect(desk.get_by_role("button", name="Keep the note")).to_have_count(count)
    expect(desk.get_by_text("The guest booked a seat.")).to_be_visible()
    for path in (f"{BOOKINGS}{booking}/cancel/", f"{BOOKINGS}book/"):
        response = desk.goto(path)
        assert response is not None
        assert response.status == (200 if OFFERS[group] else 403), path
    for path in ("/admin/auth/user/", "/admin/axes/accessattempt/"):
        response = desk.goto(path)
        assert response is not None
        assert response.status == 403, path


@pytest.mark.parametrize("group", GROUPS)
def test_only_managers_change_events(
    group: str,
    windows: Windows,
    members: dict[str, dict[str, Any]],
    system: System,
    event: int,
) -> None:
    desk = windows.open(members[group], base_url=system.event_url)
    count = int(group == "manager")

    desk.goto("/admin/")
    expect(desk.get_by_role("heading", name="On sale now")).to_be_visible()
    expect(desk.get_by_role("heading", name="Staff")).to_be_hidden()
    expect(desk.get_by_role("link", name="New event")).to_have_count(count)
    desk.goto(f"/admin/events/event/{event}/change/")
    expect(desk.get_by_role("button", name="Save", exact=True)).to_have_count(count)
    expect(desk.get_by_role("button", name="Cancel this event")).to_have_count(count)
    response = desk.goto("/admin/events/event/add/")
    assert response is not None
    assert response.status == (200 if count else 403)
