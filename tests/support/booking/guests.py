"""A guest with a browser, on the pages of AUTH_MODE=open."""

import html
import re
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

ANN = {"name": "Ann", "email": "Ann@Example.com"}
ANN_ID = "ann@example.com"
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?')
_FORM = re.compile(r'<form method="post"[^>]*>.*?</form>', re.DOTALL)
_TAGS = re.compile(r"<(style|script|title)\b.*?</\1>|<[^>]+>", re.DOTALL)


class Guest:
    """Follows links, fills in forms and reads pages."""

    def __init__(self, client: Client | None = None, **headers: str) -> None:
        self.client = client or Client(enforce_csrf_checks=True, raise_request_exception=False)
        self.headers = HTML | headers

    def get(self, path: str, *, status: int = 200) -> str:
        response = self.client.get(path, headers=self.headers)
        assert response.status_code == status, (response.status_code, text_of(response))
        content: str = response.content.decode()
        return content

    def read(self, path: str, *, status: int = 200) -> str:
        """The words of the page."""
        return words_of(self.get(path, status=status))

    def form_at(self, path: str) -> dict[str, str]:
        """The hidden fields of the page's own form."""
        main = self.get(path).split("<main")[1].split("</main>")[0]
        return _hidden_fields(_FORM.findall(main)[0])

    def form_with(self, path: str, action: str) -> dict[str, str]:
        """The hidden fields of the form that is sent to this path, wherever it is on the page."""
        forms = _FORM.findall(self.get(path))
        return _hidden_fields(next(form for form in forms if f'action="/{action}"' in form))

    def send(self, path: str, fields: dict[str, Any] | None = None) -> Any:
        """Open the form, fill it in, and send it."""
        return self.post(path, {**self.form_at(path), **(fields or {})})

    def post(self, path: str, fields: dict[str, Any]) -> Any:
        return self.client.post(path, fields, headers=self.headers)

    def books(self, event_id: int, **fields: str) -> str:
        """The path of the new booking."""
        response = self.send(f"/events/{event_id}/book", {**ANN, **fields})
        assert response.status_code == 302, text_of(response)
        return path_of(response)


def _hidden_fields(form: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(form)}


def path_of(response: Any) -> str:
    """Where it redirects to, without the query."""
    return urlsplit(response.headers["Location"]).path


def text_of(response: Any) -> str:
    return words_of(response.content.decode())


def words_of(page: str) -> str:
    return " ".join(html.unescape(_TAGS.sub(" ", page)).split())
