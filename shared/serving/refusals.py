"""Problem documents, instead of HTML, for what gunicorn refuses before Django sees it."""

import contextlib
from http import HTTPStatus
from socket import socket

from gunicorn import util

_CODES = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
    HTTPStatus.EXPECTATION_FAILED: "expectation_failed",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
    HTTPStatus.NOT_IMPLEMENTED: "not_implemented",
    HTTPStatus.SERVICE_UNAVAILABLE: "too_many_connections",
}


def write_problem(
    connection: socket, status: int, reason: str, message: str, code: str = ""
) -> None:
    """Replaces `gunicorn.util.write_error`. `code` is its only argument that gunicorn doesn't know.
    Raises `OSError`."""
    from shared.api import problems
    from shared.formats.json import dump_json
    from shared.http.titles import title_of

    title = title_of(status)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        message = ""  # gunicorn's own, meant for its log
    body = dump_json(
        problems.problem(
            status=status,
            code=code or _CODES.get(HTTPStatus(status), "bad_request"),
            detail=message or title,
        )
    )
    headers = [
        f"HTTP/1.1 {status} {title}",
        "Connection: close",
        f"Content-Type: {problems.CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(f"Retry-After: {problems.RETRY_AFTER_SECONDS}")
    head = "\r\n".join([*headers, "", ""])
    util.write_nonblock(connection, head.encode("ascii") + body)


def refuse_connection(connection: socket) -> None:
    """Doesn't wait for the request, so the client may find a reset instead of this answer."""
    with contextlib.suppress(OSError), connection:
        write_problem(
            connection,
            HTTPStatus.SERVICE_UNAVAILABLE,
            "",
            "too many connections from this address",
        )


def refuse_busy(connection: socket) -> None:
    """Too many requests came before this one."""
    with contextlib.suppress(OSError):
        write_problem(
            connection,
            HTTPStatus.SERVICE_UNAVAILABLE,
            "",
            "the service is busy, please try again",
            "try_again_later",
        )


def answer_in_problems() -> None:
    """From now on, in this process. gunicorn has no setting for it, but looks it up at each use."""
    util.write_error = write_problem
