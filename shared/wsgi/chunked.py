"""Request bodies that are sent in chunks.

Django reads as many bytes as Content-Length says, and none without it: a chunked body would count
as empty.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def accept_chunked_bodies(application: WSGIApplication, *, limit: int) -> WSGIApplication:
    """`application`, given the length of every body. Of a body above `limit`, Django sees one byte
    more than the limit, and refuses it; the rest is not read."""

    def with_length(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(limit + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return with_length
