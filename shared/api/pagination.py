"""Bare arrays in the order of their ids, paged by `limit` and an opaque `cursor` (RFC 8288)."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from shared.api.ids import LARGEST_ID
from shared.api.problems import InvalidInput
from shared.api.query_params import query_text
from shared.db.index_ranges import IndexRange

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

Row = dict[str, Any]

_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)


def paged_response(
    request: Request,
    rows: QuerySet[Any] | IndexRange,
    *,
    fields: Sequence[str],
    adjust: Callable[[Row], None] | None = None,
) -> Response:
    """One page of `rows`, with a `Link` header to its neighbours. Raises 400 on a bad parameter.

    `fields` are the columns that are shown, `id` among them. `adjust` changes a row in place before
    it is shown. Models and serializers would cost many times what reading the rows does.
    `rows` are in the order of their ids.

    Pages are cut by id and not by offset: a page costs the same wherever it lies, and rows that
    are added or removed meanwhile don't make others repeat or get skipped.
    """
    limit = _limit(request)
    backwards, start = _cursor(request)
    if isinstance(rows, IndexRange):
        rows = rows.before(start) if backwards else rows.after(start)
    else:
        rows = rows.filter(pk__lt=start).reverse() if backwards else rows.filter(pk__gt=start)
    page: list[Row] = list(rows.values(*fields)[: limit + 1])
    more = len(page) > limit
    del page[limit:]
    if backwards:
        page.reverse()
    if adjust is not None:
        for row in page:
            adjust(row)
    response = Response(page)
    links = _links(request, page, before=more if backwards else start > 0, after=more or backwards)
    if links:
        response["Link"] = links
    return response


def _links(request: Request, page: Sequence[Row], *, before: bool, after: bool) -> str:
    links = []
    if page and after:
        links.append(_link(request, f"after:{page[-1]['id']}", rel="next"))
    if page and before:
        links.append(_link(request, f"before:{page[0]['id']}", rel="prev"))
    return ", ".join(links)


def _link(request: Request, position: str, *, rel: str) -> str:
    query = request.GET.copy()
    query["cursor"] = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
    url = f"{request.build_absolute_uri(request.path)}?{query.urlencode()}"
    return f'<{url}>; rel="{rel}"'


def _limit(request: Request) -> int:
    text = query_text(request, "limit")
    if text is None:
        return DEFAULT_LIMIT
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidInput(
            f"limit must be a whole number from 1 to {MAX_LIMIT}", code="invalid_limit"
        )
    return int(text)


def _cursor(request: Request) -> tuple[bool, int]:
    text = query_text(request, "cursor")
    if text is None:
        return False, 0
    try:
        position = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        direction, _, number = position.decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        direction, number = "", ""
    if direction not in ("after", "before") or not _NUMBER.fullmatch(number):
        raise InvalidInput("cursor was not issued by this API", code="invalid_cursor")
    return direction == "before", min(int(number), LARGEST_ID)
