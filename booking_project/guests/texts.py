"""Texts that need a library: descriptions in Markdown, and amounts of money."""

import functools
import re
from decimal import Decimal
from html.parser import HTMLParser

from babel import Locale
from babel.numbers import format_currency
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

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
def html_of(markdown: str) -> SafeString:
    """The description of an event, without HTML and pictures of its own."""
    tokens = _markdown().parse(markdown)
    for token in tokens:
        _fit_in(token)
    html: str = _markdown().renderer.render(tokens, _markdown().options, {})
    return mark_safe(html)  # noqa: S308 (its author can't write HTML)


@functools.lru_cache(maxsize=256)
def summary_of(markdown: str, *, limit: int = 200) -> str:
    """The beginning of a description, as plain text."""
    parser = _PlainText()
    parser.feed(html_of(markdown))
    text = " ".join("".join(parser.parts).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@functools.cache
def _markdown() -> MarkdownIt:
    # Pictures would come from other hosts, which the Content-Security-Policy forbids.
    return MarkdownIt("commonmark", {"html": False}).disable("image")


def _fit_in(token: Token) -> None:
    """Headings go below those of the page, and links give nothing away and earn nothing."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    for child in token.children or ():
        if child.type == "link_open":
            child.attrSet("rel", "nofollow noopener noreferrer")


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.parts.append(" " if tag != "a" else "")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
