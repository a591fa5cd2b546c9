"""Content types that Django can't read.

It reads them before any code that turns exceptions into answers, so a client could cause 500s at
will.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.utils.http import parse_header_parameters

from shared.api.problems import CONTENT_TYPE, problem
from shared.formats.json import dump_json
from shared.wsgi.chunked import WSGIApplication

_BODY = dump_json(
    problem(
        status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        code="unsupported_media_type",
        detail="the Content-Type can't be read",
    )
)


def refuse_unreadable_types(application: WSGIApplication) -> WSGIApplication:
    """`application`, called only if the parameters of the content type can be read; else 415."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _is_readable(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        headers = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(_BODY)))]
        start_response("415 Unsupported Media Type", headers)
        return [_BODY]

    return guarded


def _is_readable(content_type: str) -> bool:
    # Only parameters in the form of RFC 2231 can fail.
    if "*" not in content_type:
        return True
    try:
        parse_header_parameters(content_type)
    except ValueError:
        return False
    return True
