"""Beginnings of descriptions, and prices."""

import functools
from decimal import Decimal
from html.parser import HTMLParser

from django.utils.translation import gettext

from shared.formats.markdown import html_of
from shared.formats.money import money_text


def price_text(amount: Decimal, currency: str) -> str:
    """A word if it costs nothing."""
    return gettext("Free") if amount == 0 else money_text(amount, currency)


@functools.lru_cache(maxsize=256)
def summary_of(markdown: str, *, limit: int = 200) -> str:
    """The beginning of a description, as plain text."""
    parser = _PlainText()
    parser.feed(html_of(markdown))
    text = " ".join("".join(parser.parts).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.parts.append(" " if tag != "a" else "")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
