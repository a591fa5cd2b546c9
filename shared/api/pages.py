"""The API as pages for people with a browser, at no cost to clients that ask for JSON."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request, override_method
from rest_framework.response import Response

from shared.api import problems
from shared.api.forms import Form, Input
from shared.api.renderers import JSONRenderer
from shared.formats.json import dump_json


class Link(NamedTuple):
    text: str
    url: str


@dataclass(frozen=True)
class Shown:
    """What a page is about: a request and its answer."""

    request: Request
    response: Response

    @property
    def data(self) -> Any:
        """What was answered; None if it is a refusal, or the answer is empty."""
        return None if self.response.status_code >= 400 else self.response.data

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """What is in the list, if the answer is a list."""
        return self.data if isinstance(self.data, list) else ()

    def captured(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.parser_context["kwargs"][name])


class Page:
    """What a page has besides the answer itself, which is the same JSON that every client gets.

    A view that wants any of this sets its `page`.
    """

    # Filters of a list.
    filters: Sequence[Input] = ()

    def links(self, shown: Shown) -> Sequence[Link]:
        """Links to what belongs to it."""
        return ()

    def rows(self, shown: Shown) -> Sequence[Link]:
        """Links to what is in a list."""
        return ()

    def forms(self, shown: Shown) -> Sequence[Form]:
        """What can be done here. Those that this user may not send are left out."""
        return ()


_NEIGHBOUR = re.compile(r'<([^>]+)>; rel="(\w+)"')
_NEIGHBOURS = {"prev": "Previous page", "next": "Next page"}


class PageRenderer(BrowsableAPIRenderer):
    template = "shared_api/page.html"

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

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        view = renderer_context["view"]
        request = renderer_context["request"]
        response = renderer_context["response"]
        page = getattr(view, "page", Page())
        shown = Shown(request, response)
        refused = response.status_code >= 400
        content_type = problems.CONTENT_TYPE if refused else JSONRenderer.media_type
        return {
            "service": settings.SPECTACULAR_SETTINGS["TITLE"],
            "name": self.get_name(view),
            "description": self.get_description(view, response.status_code),
            "breadcrumblist": self.get_breadcrumbs(request),
            "request": request,
            "user": request.user,
            "response": response,
            "response_headers": {**dict(sorted(response.items())), "Content-Type": content_type},
            "content": "" if data is None else dump_json(data, indented=True).decode(),
            "problem": data if refused else None,
            "links": page.links(shown),
            "rows": page.rows(shown),
            "neighbours": _neighbours(response),
            "filters": [(each, request.GET.get(each.name, "")) for each in page.filters],
            "forms": [form for form in page.forms(shown) if _may_send(form, view, request)],
        }


def _may_send(form: Form, view: Any, request: Request) -> bool:
    with override_method(view, request, form.method) as sent:
        try:
            view.check_permissions(sent)
        except APIException:
            return False
    return True


def _neighbours(response: Response) -> list[Link]:
    found = _NEIGHBOUR.findall(response.headers.get("Link", ""))
    return [Link(_NEIGHBOURS[relation], url) for url, relation in reversed(found)]
