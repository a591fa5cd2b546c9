"""DRF's browsable API, at no cost to clients that ask for JSON.

A page shows the same JSON that every client gets. Its forms send JSON, which is all that the API
accepts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import RawPostDataException
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

from shared.api import problems
from shared.formats.json import dump_json

_OTHER_SERVICES = ("EVENT_PUBLIC_URL", "BOOKING_PUBLIC_URL")


class Link(NamedTuple):
    text: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the page of a view has besides DRF's own. A view that wants any of this sets its `page`.

    `links` and `item`, the link to each item of a list or to a new one, are templates. Their
    values come from the response, the path and the addresses of the services in the settings. A
    link is left out if a value is missing. `bodies` make the JSON that a form starts with, for
    each method, from the response's data.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    item: Link | None = None
    bodies: Mapping[str, Callable[[Any], Mapping[str, Any]]] = field(default_factory=dict)

    def links_for(self, data: Any, path: Mapping[str, str]) -> list[Link]:
        """`path` has the captured parts of the path."""
        items = data if isinstance(data, list) else [data] if isinstance(data, Mapping) else []
        services = {name: getattr(settings, name, "") for name in _OTHER_SERVICES}
        common = {**{name: url for name, url in services.items() if url}, **path}
        values = common if isinstance(data, list) else common | data
        found = [_filled(Link(text, url), values) for text, url in self.links.items()]
        found += [_filled(self.item, each) for each in items if self.item is not None]
        return [link for link in found if link is not None]


def _filled(link: Link, values: Mapping[str, Any]) -> Link | None:
    quoted = {name: quote(str(value), safe="/:") for name, value in values.items()}
    try:
        return Link(link.text.format_map(values), link.url.format_map(quoted))
    except KeyError:
        return None


class PageRenderer(BrowsableAPIRenderer):
    template = "shared_api/page.html"
    renderer_context: Mapping[str, Any]  # DRF sets it; its stubs don't say so

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        page: str = super().render(data, accepted_media_type, renderer_context)
        # Every page contains the user's name and a CSRF token.
        (renderer_context or {})["response"].headers["Cache-Control"] = "no-store"
        return page

    def get_content(self, renderer: Any, data: Any, *_: Any) -> str:
        return "" if data is None else dump_json(data, indented=True).decode()

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        context = super().get_context(data, accepted_media_type, renderer_context)
        # A style element, which the Content-Security-Policy forbids.
        context["code_style"] = ""
        context["description"] = _paragraphs(renderer_context["view"].get_view_description())
        context["service"] = settings.SPECTACULAR_SETTINGS["TITLE"]
        if renderer_context["response"].status_code >= 400:
            context["problem"] = data
            context["response_headers"]["Content-Type"] = problems.CONTENT_TYPE
        elif data is not None:
            page = getattr(renderer_context["view"], "page", Page())
            context["links"] = page.links_for(data, renderer_context["kwargs"])
        return context

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        form = super().get_raw_data_form(data, view, method, request)
        if form is not None:
            form.fields["_content"].initial = self._body(data, view, method, request)
        return form

    def _body(self, data: Any, view: Any, method: str, request: Request) -> str:
        """What a form starts with. What was refused can be corrected and sent again."""
        bodies = getattr(view, "page", Page()).bodies
        if self.renderer_context["response"].status_code >= 400:
            return _sent(request) if request.method == method else ""
        if method not in bodies or request.method == "OPTIONS":
            return ""
        return self.get_content(None, bodies[method](data))


def _paragraphs(docstring: str) -> list[str]:
    """Without the docstring's own line breaks."""
    return [" ".join(paragraph.split()) for paragraph in docstring.split("\n\n")]


def _sent(request: Request) -> str:
    try:
        body: bytes = request.body
    except (RequestDataTooBig, RawPostDataException):
        return ""
    return body.decode(errors="replace")
