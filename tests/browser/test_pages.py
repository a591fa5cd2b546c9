"""Every page of ours, at both widths. `make screenshots` also keeps their pictures."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser.checks import check_accessibility, check_width, layout_shift
from tests.support.browser.pictures import write_picture
from tests.support.browser.showcase import Showcase, arrange, guest_state
from tests.support.browser.windows import DESKTOP, PHONE, Windows
from tests.support.end_to_end.clients import Sale
from tests.support.end_to_end.system import System


@dataclass(frozen=True)
class Shown:
    """`path` may name a part of the showcase; `by` is who looks at it."""

    name: str
    service: str
    path: str
    by: str = "anyone"


PAGES = [
    Shown("events", "booking", "/"),
    Shown("event", "booking", "/events/{open}"),
    Shown("event-upcoming", "booking", "/events/{upcoming}"),
    Shown("book", "booking", "/events/{open}/book"),
    Shown("book-sold-out", "booking", "/events/{sold_out}/book"),
    Shown("waiting-room", "booking", "/events/{crowded}/waiting-room", by="guest"),
    Shown("waiting-room-early", "booking", "/events/{early}/waiting-room", by="guest"),
    Shown("event-crowded", "booking", "/events/{crowded}"),
    Shown("my-bookings", "booking", "/bookings", by="guest"),
    Shown("ticket", "booking", "/bookings/{ticket}", by="guest"),
    Shown("place-in-line", "booking", "/bookings/{waitlisted}", by="guest"),
    Shown("give-up-seat", "booking", "/bookings/{ticket}/cancel", by="guest"),
    Shown("live", "booking", "/events/{sold_out}/live"),
    Shown("live-upcoming", "booking", "/events/{upcoming}/live"),
    Shown("api-events", "event", "/api/v1/events"),
    Shown("api-event", "event", "/api/v1/events/{open}"),
    Shown("api-status", "booking", "/api/v1/events/{sold_out}/status"),
    Shown("api-event-bookings", "booking", "/api/v1/events/{sold_out}/bookings"),
    Shown("api-booking", "booking", "/api/v1/bookings/{waitlisted}"),
    Shown("api-user-bookings", "booking", "/api/v1/bookings?user_id=nok@example.com"),
    Shown("api-refusal", "booking", "/api/v1/bookings/0"),
    Shown("log-in", "booking", "/admin/login/"),
    Shown("event-admin", "event", "/admin/", by="organiser"),
    Shown("event-admin-events", "event", "/admin/events/event/", by="organiser"),
    Shown("event-admin-event", "event", "/admin/events/event/{open}/change/", by="organiser"),
    Shown("event-admin-new-event", "event", "/admin/events/event/add/", by="organiser"),
    Shown("booking-admin", "booking", "/admin/", by="organiser"),
    Shown("booking-admin-events", "booking", "/admin/bookings/event/", by="organiser"),
    Shown(
        "booking-admin-event", "booking", "/admin/bookings/event/{sold_out}/change/", by="organiser"
    ),
    Shown("booking-admin-bookings", "booking", "/admin/bookings/booking/", by="organiser"),
    Shown(
        "booking-admin-booking",
        "booking",
        "/admin/bookings/booking/{waitlisted}/change/",
        by="organiser",
    ),
    Shown(
        "booking-admin-cancel",
        "booking",
        "/admin/bookings/booking/{confirmed}/cancel/",
        by="organiser",
    ),
    Shown(
        "booking-admin-book",
        "booking",
        "/admin/bookings/booking/book/?event={open}",
        by="organiser",
    ),
]
WIDTHS = {"1280": DESKTOP, "390": PHONE}


@pytest.fixture(scope="session")
def showcase(sale: Sale) -> Showcase:
    return arrange(sale)


@pytest.fixture(scope="session")
def guest(browser: Browser, system: System, showcase: Showcase) -> dict[str, Any]:
    return guest_state(browser, system)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shown", PAGES, ids=[each.name for each in PAGES])
def test_page(
    shown: Shown,
    width: str,
    windows: Windows,
    system: System,
    showcase: Showcase,
    request: pytest.FixtureRequest,
) -> None:
    cookies = {} if shown.by == "anyone" else request.getfixturevalue(shown.by)
    page = windows.open(WIDTHS[width], cookies)
    url = system.event_url if shown.service == "event" else system.booking_url

    page.goto(url + shown.path.format_map(showcase.ids))

    check_width(page)
    check_accessibility(page)
    # unfold's own scripts move the admin's pages, the more the busier the machine is.
    assert "/admin/" in shown.path or layout_shift(page) == 0
    if folder := os.environ.get("SCREENSHOTS"):
        write_picture(page, Path(folder) / f"{shown.name}-{width}.png")
