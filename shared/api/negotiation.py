"""Chooses the renderer: JSON, unless the client asks for a page."""

from collections.abc import Iterable

from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


def takes_json(request: Request) -> bool:
    """Whether no other answer than JSON can be the outcome: no Accept, or plain JSON."""
    return request.META.get("HTTP_ACCEPT", "*/*") in ("*/*", "application/json")


class JSONFirst(DefaultContentNegotiation):
    """DRF's negotiation. It is skipped if the body is what the first parser takes; `APIView` does
    the same for the renderer."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        first = next(iter(parsers), None)
        if first is not None and request.content_type == first.media_type:
            return first
        chosen: BaseParser | None = super().select_parser(request, parsers)
        return chosen


class OneForAll(BaseContentNegotiation):
    """The first renderer, whatever the client says it can read. For views that have only one."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
