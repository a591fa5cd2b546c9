"""Windows of a browser: how they look, and that they are watched."""

from typing import Any

from playwright.sync_api import Browser, Page

from tests.support.browser.watch import Watch
from tests.support.waiting import PATIENCE_SECONDS

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
DARK = {"color_scheme": "dark"}
THAI = {"locale": "th-TH"}
NO_JS = {"java_script_enabled": False}


class Windows:
    def __init__(self, browser: Browser, base_url: str) -> None:
        self.pages: list[Page] = []
        self._browser = browser
        self._base_url = base_url
        self._watches: dict[Page, Watch] = {}

    def open(self, *looks: dict[str, Any], **options: Any) -> Page:
        """A window with cookies of its own. Later looks and options win; the options are those of
        `Browser.new_context`. Paths are those of the booking service."""
        common = {"base_url": self._base_url, "locale": "en-GB", "timezone_id": "Asia/Bangkok"}
        for look in (DESKTOP, *looks, options):
            common |= look
        context = self._browser.new_context(**common)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        watch = Watch(context)
        page = context.new_page()
        self.pages.append(page)
        self._watches[page] = watch
        return page

    def watch(self, page: Page) -> Watch:
        return self._watches[page]

    def close(self) -> list[str]:
        """What went wrong in any of them."""
        for page in self.pages:
            page.context.close()
        return [problem for watch in self._watches.values() for problem in watch.problems]
