"""Markdown of people who needn't be trusted, as HTML."""

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Links with other schemes than those of the web and of mail stay text. Images would be loaded from
# anywhere.
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")


def markdown_html(text: str) -> SafeString:
    """HTML in `text` is shown as text."""
    html: SafeString = mark_safe(_MARKDOWN.render(text))  # noqa: S308 (it escapes all else)
    return html
