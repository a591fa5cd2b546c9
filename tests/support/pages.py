"""A page for people, taken apart."""

import json
from html.parser import HTMLParser
from typing import Any

from django.test import Client

Attributes = dict[str, str]


class Page(HTMLParser):
    """What a reader, a mouse and the page's script find in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.links: dict[str, str] = {}
        self.inputs: dict[str, Attributes] = {}
        self.chosen: dict[str, str] = {}
        self.forms: list[Attributes] = []
        self.jsons: dict[str, str] = {}
        self.files: list[str] = []
        self.csrf_token = ""
        self._texts: dict[str, str] = {}
        self._open: list[tuple[str, Attributes]] = []
        self.feed(html)

    @property
    def alert(self) -> str:
        """What the page says is wrong."""
        return self._texts.get("alert", "")

    @property
    def answer(self) -> Any:
        """The JSON that a program would get, as it is shown."""
        return json.loads(self._texts["pre"].split("\n\n", 2)[2])

    def form(self, method: str, url: str) -> Attributes:
        """The one that sends `method` to `url` and isn't made of JSON alone."""
        return next(
            form for form in self.forms if (form["data-method"], form["data-url"]) == (method, url)
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and found.get("id", "").startswith("filter-"):
            self.chosen[found["name"]] = found["value"]
        elif tag == "input":
            self.inputs[found["name"]] = found
        elif tag == "select":
            self.chosen[found["name"]] = ""
        elif tag == "option" and "selected" in found:
            self.chosen[list(self.chosen)[-1]] = found["value"]  # of the selection before it
        elif tag == "form" and "data-method" in found:
            self.forms.append(found)
        elif tag == "link":
            self.files.append(found["href"])
        elif tag == "script":
            self.files.append(found["src"])
            self.csrf_token = found.get("data-csrf-token", "")
        if tag not in ("input", "link", "meta", "br"):
            self._open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if tags and tags[-1] == "a":
            href = self._open[-1][1].get("href", "")
            self.links[data.strip()] = href
        if "pre" in tags:
            self._texts["pre"] = self._texts.get("pre", "") + data
        if tags and tags[-1] == "textarea":
            self.jsons[self.forms[-1]["data-method"]] = data
        if any("alert" in found.get("class", "").split() for _, found in self._open):
            self._texts["alert"] = self._texts.get("alert", "") + data


def page(client: Client, path: str, *, status: int = 200) -> Page:
    """As a browser asks for it. The answer must be a page of this status."""
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    response = client.get(path, headers={"accept": accept})
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"].startswith("text/html")
    return Page(response.content.decode())
