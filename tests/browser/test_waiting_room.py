"""The waiting room in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.checks import check_accessibility, check_width, layout_shift
from tests.support.browser.windows import PHONE, THAI, Windows
from tests.support.end_to_end.clients import EVENTS, Sale, all_at_once, from_now

PLACE = re.compile(r"^\d+$")


def crowd(sale: Sale, event: int, people: int) -> None:
    def join(user: str) -> None:
        response = sale.bookings.post(f"{EVENTS}/{event}/waiting-room", json={"user_id": user})
        assert response.status_code == 201, response.text

    all_at_once(join, [f"crowd-{number}" for number in range(people)])


def enter(page: Page, event: int, name: str = "Ann") -> None:
    page.goto(f"/events/{event}")
    page.locator(f'main a[href="/events/{event}/waiting-room"]').click()
    page.locator("[name=name]").fill(name)
    page.locator("[name=email]").fill("ann@example.com")
    page.locator("main form button").click()


def test_the_place_moves_and_then_comes_the_form(sale: Sale, page: Page) -> None:
    event = sale.create_event(name="Jazz by the River", waiting_room_rate=2)
    crowd(sale, event, 24)

    enter(page, event)
    place = page.locator(".place")
    expect(place).to_have_text(PLACE)
    first = int(place.inner_text())
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in the waiting room")
    expect(place).not_to_have_text(str(first))
    assert int(place.inner_text()) < first

    page.wait_for_url(f"**/events/{event}/book")
    expect(page.get_by_text("You book as Ann.")).to_be_visible()
    page.get_by_role("button", name="Book my seat").click()
    page.wait_for_url(re.compile(r"/bookings/\d+"))
    expect(page.get_by_role("heading", level=1)).to_have_text("You have a seat")


def test_without_scripts_the_page_looks_again_by_itself(sale: Sale, no_js: Page) -> None:
    event = sale.create_event(name="Jazz by the River", waiting_room_rate=2)
    crowd(sale, event, 16)

    enter(no_js, event)
    expect(no_js.locator(".place")).to_have_text(PLACE)

    no_js.wait_for_url(f"**/events/{event}/book")
    no_js.get_by_role("button", name="Book my seat").click()
    no_js.wait_for_url(re.compile(r"/bookings/\d+"))


@pytest.mark.parametrize("shown", [PHONE, THAI], ids=["phone", "thai"])
def test_everybody_can_read_it(sale: Sale, windows: Windows, shown: dict[str, object]) -> None:
    page = windows.open(shown)
    event = sale.create_event(name="Jazz by the River", waiting_room_rate=1)
    crowd(sale, event, 40)

    enter(page, event)

    expect(page.locator(".place")).to_be_visible()
    check_width(page)
    check_accessibility(page)
    assert layout_shift(page) == 0


def test_before_the_opening_a_draw_is_announced(sale: Sale, page: Page) -> None:
    event = sale.create_event(
        waiting_room_rate=1, booking_start_at=from_now(minutes=9), booking_end_at=from_now(days=1)
    )

    enter(page, event)

    expect(page.get_by_role("heading", level=1)).to_have_text("You are in")
    expect(page.locator("[data-seconds]")).to_contain_text("Opens in 00:0")
    check_accessibility(page)
