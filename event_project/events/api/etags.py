"""Versions of an event as entity tags (RFC 9110)."""

import re

from django.utils.http import parse_etags
from rest_framework.request import Request

from event_project.events.models import Event

_ETAG = re.compile(r'"([1-9][0-9]{0,18})"', re.ASCII)


def etag(event: Event) -> str:
    return f'"{event.version}"'


def expected_versions(request: Request) -> frozenset[int] | None:
    """The versions that `If-Match` names; None if it is absent or `*`.

    A weak tag names none, because `If-Match` compares strongly.
    """
    header = request.headers.get("If-Match", "*")
    tags = parse_etags(header)
    if tags == ["*"]:
        return None
    return frozenset(int(found[1]) for tag in tags if (found := _ETAG.fullmatch(tag)))


def is_known(event: Event, request: Request) -> bool:
    """Whether `If-None-Match` says that the client has this version. This comparison is weak."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return tags == ["*"] or etag(event) in (tag.removeprefix("W/") for tag in tags)
