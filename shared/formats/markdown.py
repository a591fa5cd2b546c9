"""Markdown of people who needn't be trusted, as HTML."""

import functools

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token


@functools.lru_cache(maxsize=256)
def html_of(markdown: str) -> SafeString:
    """The description of an event, without HTML and pictures of its own."""
    tokens = _markdown().parse(markdown)
    for token in tokens:
        _fit_in(token)
    html: str = _markdown().renderer.render(tokens, _markdown().options, {})
    return mark_safe(html)  # noqa: S308 (its author can't write HTML)


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
