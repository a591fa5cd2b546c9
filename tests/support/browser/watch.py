"""What must not happen on any page, whatever it is tested for."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Chromium says this of each response from 400 on, which are noted as responses.
_FAILED_RESPONSE = "Failed to load resource: the server responded with a status of"
# The user went on to another page, or the page became a download.
_ABORTED = "net::ERR_ABORTED"


class Watch:
    """Notes errors of scripts, violations of the Content-Security-Policy, failed requests, and
    requests to other hosts. A page itself may have a status from 400 to 499."""

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        self._allowed: set[int] = set()
        context.on("console", self._console)
        context.on("weberror", lambda found: self.problems.append(f"script: {found.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def allow(self, *statuses: int) -> None:
        """The test expects responses with these."""
        self._allowed |= set(statuses)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_FAILED_RESPONSE):
            self.problems.append(f"console of {message.page and message.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname not in LOOPBACK:
            self.problems.append(f"request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != _ABORTED:
            self.problems.append(f"{request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        harmless = 500 if response.request.is_navigation_request() else 400
        if response.status >= harmless and response.status not in self._allowed:
            self.problems.append(f"{response.request.method} {response.url}: {response.status}")
