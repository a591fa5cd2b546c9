"""The guests' pages in a browser: all ways through, as people take them."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser.checks import (
    check_accessibility,
    check_width,
    layout_shift,
    transferred_bytes,
)
from tests.support.browser.windows import DARK, PHONE, THAI, Windows
from tests.support.end_to_end.clients import Sale, from_now, open_client
from tests.support.waiting import until

LARGEST_FIRST_PAGE = 100_000
BOOKING = re.compile(r"/bookings/\d+")


def fill_in(page: Page, name: str) -> None:
    page.locator("[name=name]").fill(name)
    page.locator("[name=email]").fill(f"{name.lower()}@example.com")


def book(page: Page, event: int, name: str) -> None:
    page.goto(f"/events/{event}/book")
    fill_in(page, name)
    page.locator("main form button").click()
    page.wait_for_url(BOOKING)


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


@pytest.fixture
def event(sale: Sale) -> int:
    return sale.create_event(
        name="Jazz by the River",
        venue="Asiatique, Bangkok",
        description="Three **bands**, and *food*.",
        starts_at=from_now(days=9),
        ends_at=from_now(days=9, hours=3),
    )


def test_from_the_list_to_a_ticket_and_back(page: Page, event: int) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("jazz")
    page.get_by_role("button", name="Search").click()
    page.locator(f'a[href="/events/{event}"]').click()
    page.get_by_role("link", name="Book a seat").click()
    fill_in(page, "Ann")
    page.get_by_role("button", name="Book my seat").click()

    page.wait_for_url(BOOKING)
    expect(heading(page)).to_have_text("You have a seat")
    code = page.get_by_role("img", name="QR code")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.complete && image.naturalWidth > 0")
    with page.expect_download() as download:
        page.get_by_role("link", name="Add to calendar").click()
    assert download.value.suggested_filename.endswith(".ics")
    page.get_by_role("link", name="Give up your seat").click()
    page.get_by_role("link", name="Keep my seat").click()
    page.get_by_role("link", name="Give up your seat").click()
    page.get_by_role("button", name="Yes, give up my seat").click()
    expect(heading(page)).to_have_text("This booking is cancelled")


def test_a_guest_is_promoted_and_sees_it_without_reloading(
    two_windows: tuple[Page, Page], sale: Sale
) -> None:
    first, second = two_windows
    event = sale.create_event(max_seats=1, waitlist_limit=5)
    book(first, event, "First")
    book(second, event, "Second")
    expect(heading(second)).to_have_text("You are in line")
    second.evaluate("window.notReloaded = true")

    first.get_by_role("link", name="Give up your seat").click()
    first.get_by_role("button", name="Yes, give up my seat").click()

    expect(heading(second)).to_have_text("It is your turn: you have a seat")
    expect(second.get_by_role("img", name="QR code")).to_be_visible()
    assert second.evaluate("window.notReloaded"), "the page was loaded again"


def test_a_place_moves_up_in_the_list_of_bookings(windows: Windows, page: Page, sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=5)
    sale.booked(event, "seated")
    ahead = sale.booked(event, "ahead")
    book(page, event, "Nok")
    page.get_by_role("link", name="My bookings").first.click()
    expect(page.get_by_text("Number 2 in line")).to_be_visible()

    sale.cancel(ahead["id"])

    expect(page.get_by_text("Number 1 in line")).to_be_visible()


def test_without_scripts_everything_works(no_js: Page, sale: Sale, event: int) -> None:
    no_js.goto("/")
    no_js.locator(f'a[href="/events/{event}"]').click()
    no_js.get_by_role("link", name="Book a seat").click()
    fill_in(no_js, "Noscript")
    no_js.get_by_role("button", name="Book my seat").click()
    expect(heading(no_js)).to_have_text("You have a seat")
    no_js.get_by_role("link", name="Give up your seat").click()
    no_js.get_by_role("button", name="Yes, give up my seat").click()
    expect(heading(no_js)).to_have_text("This booking is cancelled")
    no_js.get_by_role("button", name="ไทย").click()
    expect(heading(no_js)).to_have_text("การจองนี้ถูกยกเลิกแล้ว")


def test_without_scripts_a_waiting_page_looks_again_by_itself(no_js: Page, sale: Sale) -> None:
    event = sale.create_event(max_seats=1, waitlist_limit=5)
    seated = sale.booked(event, "seated")
    book(no_js, event, "Patient")
    expect(heading(no_js)).to_have_text("You are in line")

    sale.cancel(seated["id"])

    expect(heading(no_js)).to_have_text("You have a seat")


def test_with_the_keyboard_alone(page: Page, event: int) -> None:
    page.goto(f"/events/{event}/book")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the way back
    for text in ("Key", "key@example.com"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url(BOOKING)

    expect(heading(page)).to_have_text("You have a seat")


def test_an_error_leads_to_its_field(page: Page, event: int) -> None:
    page.goto(f"/events/{event}/book")
    page.get_by_role("button", name="Book my seat").click()

    expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(page).to_have_title(re.compile("^Error: "))
    check_accessibility(page)
    page.get_by_role("link", name="Enter your e-mail address").click()
    expect(page.locator("[name=email]")).to_be_focused()


def test_two_clicks_book_once(page: Page, sale: Sale, event: int) -> None:
    page.goto(f"/events/{event}/book")
    fill_in(page, "Double")
    page.get_by_role("button", name="Book my seat").dblclick()
    page.wait_for_url(BOOKING)

    expect(heading(page)).to_have_text("You have a seat")
    bookings = sale.bookings.get("/api/v1/bookings", params={"user_id": "double@example.com"})
    assert len(bookings.json()) == 1


def test_a_countdown_ends_with_the_opening(page: Page, sale: Sale) -> None:
    event = sale.create_event(booking_start_at=from_now(hours=1), booking_end_at=from_now(hours=2))
    page.clock.install()
    page.goto(f"/events/{event}")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"Opens in \d\d:\d\d:\d\d"))

    opened = from_now(hours=-1)
    sale.events.patch(f"/api/v1/events/{event}", json={"booking_start_at": opened})
    until(lambda: shows_opening(sale, event), "the opening on the page of each process")
    page.clock.fast_forward("01:00:01")

    expect(page.get_by_role("link", name="Book a seat")).to_be_visible()


def shows_opening(sale: Sale, event: int) -> bool:
    """Each process keeps what the page shows for a second, so this asks on many connections."""
    for _ in range(20):
        with open_client(str(sale.bookings.base_url)) as guest:
            page = guest.get(f"/events/{event}", headers={"Accept": "text/html"})
        if "Book a seat" not in page.text:
            return False
    return True


def test_a_guest_abroad_sees_both_times(windows: Windows, event: int) -> None:
    page = windows.open(timezone_id="Europe/Berlin")
    page.goto("/")  # where a script tells the zone
    page.goto(f"/events/{event}")

    expect(page.get_by_text("Bangkok time")).to_be_visible()
    expect(page.get_by_text("Berlin time")).to_be_visible()


def test_the_first_page_is_small_and_nothing_moves(windows: Windows, sale: Sale) -> None:
    for _ in range(12):
        sale.create_event(venue="Asiatique", starts_at=from_now(days=3))
    page = windows.open(PHONE)

    page.goto("/", wait_until="networkidle")

    assert transferred_bytes(page) < LARGEST_FIRST_PAGE
    assert layout_shift(page) == 0


LOOKS = {"phone": PHONE, "dark": DARK, "thai": {**PHONE, **THAI}}


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_fit_for_everybody(
    windows: Windows, sale: Sale, event: int, look: str
) -> None:
    page = windows.open(LOOKS[look])
    full = sale.create_event(name="Sold out", max_seats=1, waitlist_limit=1)
    sale.booked(full, f"first-{look}")
    soon = sale.create_event(
        name="Opens soon", booking_start_at=from_now(days=2), booking_end_at=from_now(days=3)
    )
    off = sale.create_event(name="Called off")
    sale.events.post(f"/api/v1/events/{off}/cancel")
    book(page, event, f"Guest-{look}")
    seated = page.url
    book(page, full, f"Guest-{look}")
    waiting = page.url
    for path in (
        *("/", "/?q=nothing-is-called-this", "/bookings", "/sign-in", "/no-such-page"),
        *(f"/events/{each}" for each in (event, full, soon, off)),
        *(f"/events/{each}/book" for each in (event, full, soon, off)),
        *(seated, waiting, f"{seated}/cancel", f"{waiting}/cancel"),
    ):
        page.goto(path)
        check_width(page)
        check_accessibility(page)
        assert layout_shift(page) == 0, path
