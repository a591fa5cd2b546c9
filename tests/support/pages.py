"""A page of the browsable API, taken apart."""

import json
from html.parser import HTMLParser
from typing import Any

from django.test import Client

Attributes = dict[str, str]


class Page(HTMLParser):
    """What a reader, a mouse and the page's scripts find in it.

    `forms` has the address that each method is sent to as JSON, and `bodies` the text that its form
    starts with, as REST framework's `ajax-form.js` sends them.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.links: dict[str, str] = {}
        self.inputs: dict[str, Attributes] = {}
        self.forms: dict[str, str] = {}
        self.bodies: dict[str, str] = {}
        self.files: list[str] = []
        self._content_type = ""
        self._texts: dict[str, str] = {}
        self._open: list[tuple[str, Attributes]] = []
        self.feed(html)

    @property
    def alert(self) -> str:
        """The error that the page shows."""
        return self._texts.get("alert", "")

    @property
    def answer(self) -> Any:
        """The JSON as the page shows it."""
        return json.loads(self._texts["pre"].split("\n\n", 1)[1])

    @property
    def csrf_token(self) -> str:
        """What the scripts send in the header `X-CSRFToken`."""
        token: str = json.loads(self._texts["script"])["csrfToken"]
        return token

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if found.get("data-override") == "content-type" or tag == "option":
            self._content_type = found.get("value", "")
        elif tag == "input":
            self.inputs[found["name"]] = found
        elif tag == "link":
            self.files.append(found["href"])
        elif tag == "script" and "src" in found:
            self.files.append(found["src"])
        elif tag == "textarea" or tag == "pre":
            self._texts[tag] = ""
        elif tag == "form":
            self._content_type = self._texts["textarea"] = ""
        elif tag == "button":
            self._note_form(found)
        if tag not in ("input", "link", "meta", "br"):
            self._open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        tags = [tag for tag, _ in self._open]
        innermost, found = self._open[-1]
        if innermost == "a":
            self.links[data.strip()] = found.get("href", "")
        if "pre" in tags:
            self._texts["pre"] += data
        if innermost == "textarea" or (innermost == "script" and "src" not in found):
            self._texts[innermost] = data.removeprefix("\n")
        if any("alert" in found.get("class", "").split() for _, found in self._open):
            self._texts["alert"] = self._texts.get("alert", "") + data

    def _note_form(self, button: Attributes) -> None:
        forms = [found for tag, found in self._open if tag == "form"]
        if not forms:
            return
        form = forms[-1]
        method = button.get("data-method") or form.get("data-method") or form["method"].upper()
        if self._content_type == "application/json":
            self.forms[method] = form["action"]
            self.bodies[method] = self._texts["textarea"]


def page(client: Client, path: str, *, status: int = 200) -> Page:
    """Requests a page like a browser. The response must be a page of this status."""
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    response = client.get(path, headers={"accept": accept})
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"].startswith("text/html")
    return Page(response.content.decode())
