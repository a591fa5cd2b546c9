"""The night of the sale on its live page."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser.checks import check_accessibility, check_width, transferred_bytes
from tests.support.browser.windows import PHONE, Windows
from tests.support.end_to_end.clients import Sale, from_now


def figures(page: Page) -> dict[str, str]:
    names = ("seats_taken", "max_seats", "waiting", "promoted", "refused")
    return {name: page.locator(f"#{name}").inner_text() for name in names}


def sell_out(sale: Sale, event_id: int) -> None:
    """Two seats and two places in line; one guest cancels, one moves up, one is refused."""
    first, *_ = [sale.booked(event_id, f"{name}@example.com")["id"] for name in "abcd"]
    assert sale.book(event_id, "e@example.com").status_code == 409
    assert sale.cancel(first).status_code == 200


def test_two_windows_see_the_sale_move_without_reloading(
    sale: Sale, two_windows: tuple[Page, Page]
) -> None:
    event_id = sale.create_event(name="Jazz by the River", max_seats=2, waitlist_limit=2)
    for page in two_windows:
        page.goto(f"/events/{event_id}/live")
        expect(page.locator("#empty")).to_contain_text("No one has booked yet")
        page.evaluate("window.unchanged = true")

    sell_out(sale, event_id)

    for page in two_windows:
        expect(page.locator("#promoted")).to_have_text("1")
        expect(page.locator("[data-state=sold_out]")).to_be_visible()
        expect(page.locator("[data-refusal=fully_booked] dd span")).to_have_text("1")
        assert figures(page) == {
            "seats_taken": "2",
            "max_seats": "2",
            "waiting": "1",
            "promoted": "1",
            "refused": "1",
        }
        expect(page.locator("#empty")).to_be_hidden()
        expect(page.locator("canvas#filling")).to_be_visible()
        assert page.evaluate("window.unchanged")


def test_a_sale_counts_down_to_its_opening(sale: Sale, page: Page) -> None:
    event_id = sale.create_event(booking_start_at=from_now(days=2), booking_end_at=from_now(days=3))

    page.goto(f"/events/{event_id}/live")

    expect(page.locator("#countdown strong")).to_have_text(re.compile(r"^1 day \d\d:\d\d:\d\d$"))
    before = page.locator("#countdown strong").inner_text()
    expect(page.locator("#countdown strong")).not_to_have_text(before)
    expect(page.locator("[data-state=upcoming]")).to_be_visible()


def test_a_sale_is_replayed(sale: Sale, page: Page) -> None:
    event_id = sale.create_event(max_seats=2, waitlist_limit=2)
    page.goto(f"/events/{event_id}/live")
    sale.booked(event_id, "first@example.com")
    expect(page.locator("#seats_taken")).to_have_text("1")
    expect(page.locator("#empty")).to_be_hidden()  # recorded, so that the next is a second row
    sale.booked(event_id, "second@example.com")
    expect(page.locator("#seats_taken")).to_have_text("2")

    # By the keyboard: to the beginning, then play.
    page.reload()
    expect(page.locator("#position")).not_to_have_value("0")
    page.locator("#position").focus()
    page.keyboard.press("Home")
    expect(page.locator("#seats_taken")).to_have_text("1")
    expect(page.locator("#mode-replay")).to_be_visible()
    page.locator("#play").press("Enter")
    expect(page.locator("#seats_taken")).to_have_text("2")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Back to now").click()

    expect(page.locator("#mode-live")).to_be_visible()
    expect(page.locator("#back")).to_be_hidden()


def test_a_lost_connection_is_said_and_mended(sale: Sale, page: Page, windows: Windows) -> None:
    event_id = sale.create_event(max_seats=2)
    windows.watch(page).allow(503)
    page.route("**/live.json*", lambda route: route.fulfill(status=503))
    page.goto(f"/events/{event_id}/live")
    expect(page.locator("#lost")).to_be_visible()

    page.unroute("**/live.json*")
    sale.booked(event_id, "ann@example.com")

    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#seats_taken")).to_have_text("1")


def test_without_a_script_the_figures_and_the_chart_are_there(
    sale: Sale, page: Page, no_js: Page
) -> None:
    event_id = sale.create_event(max_seats=2, waitlist_limit=2)
    page.goto(f"/events/{event_id}/live")
    sell_out(sale, event_id)
    expect(page.locator("#promoted")).to_have_text("1")  # it is recorded

    no_js.goto(f"/events/{event_id}/live")

    assert figures(no_js)["seats_taken"] == "2"
    expect(no_js.locator(".whole svg")).to_be_visible()
    expect(no_js.locator("#replay")).to_be_hidden()
    no_js.locator("summary").click()
    expect(no_js.locator("#table tbody tr").first).to_contain_text("2 / 2")
    assert no_js.locator("noscript meta[http-equiv=refresh]").count() == 1


def test_it_fits_a_phone_in_thai_and_everyone_can_use_it(sale: Sale, windows: Windows) -> None:
    event_id = sale.create_event(name="คอนเสิร์ตหมอลำร่วมสมัย", max_seats=2, waitlist_limit=2)
    sell_out(sale, event_id)
    phone = windows.open(PHONE, locale="th-TH")
    phone.goto(f"/events/{event_id}/live")
    expect(phone.locator("#promoted")).to_have_text("1")

    expect(phone.locator("h2").first).to_have_text("จองแล้ว")
    expect(phone.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    phone.locator("summary").click()
    check_width(phone)
    check_accessibility(phone)


def test_it_is_dark_whatever_the_browser_prefers_and_light_to_load(
    sale: Sale, page: Page, dark: Page
) -> None:
    event_id = sale.create_event()
    for window in (page, dark):
        window.goto(f"/events/{event_id}/live")
        ground = window.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(11, 16, 32)"
    assert transferred_bytes(page) < 100_000
