"""Texts that need a library: beginnings of descriptions, and amounts of money."""

import functools
import re
from decimal import Decimal
from html.parser import HTMLParser

from babel import Locale
from babel.numbers import format_currency
from django.utils.translation import get_language, gettext

from shared.formats.markdown import html_of

_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


def money_text(amount: Decimal, currency: str) -> str:
    """`THB 2,500` or `฿2,500`, as the page's language writes it; a word if it costs nothing."""
    if amount == 0:
        return gettext("Free")
    locale = Locale.parse(get_language() or "en")
    pattern = locale.currency_formats["standard"].pattern
    is_whole = amount == amount.to_integral_value()
    text: str = format_currency(
        amount,
        currency,
        pattern.replace(".00", "") if is_whole else pattern,
        locale=locale,
        currency_digits=not is_whole,
    )
    return _LETTER_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", text)


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
