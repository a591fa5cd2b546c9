"""JSON input that refuses everything a lenient parser would quietly reinterpret."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from shared.api.problems import BodyTooLarge
from shared.formats.json import load_json

_FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}


class StrictJSONParser(BaseParser):
    """Accepts what `shared.formats.json.load_json` does, within Django's limit on a body's size."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _refuse_other_encodings(stream, media_type)
        try:
            # Not stream.read(): only Django's own reading enforces the limit on the body's size.
            body = stream.body if hasattr(stream, "body") else stream.read()
        except RequestDataTooBig as error:
            raise BodyTooLarge from error
        if len(body) < _announced_length(stream):
            raise ParseError("the body ended before its Content-Length")
        try:
            return load_json(body)
        except ValueError as error:
            raise ParseError(f"the body is not valid JSON: {error}") from error


def require_json_body(request: Request) -> None:
    """For calls without input, before they do anything. Raises what reading a body raises.

    A content type that forms send is refused even with an empty body: pages of other sites can
    send it without the browser asking the service first.
    """
    content_type = request.content_type
    if content_type.partition(";")[0].strip().lower() in _FORM_TYPES:
        raise UnsupportedMediaType(content_type)
    _ = request.data


def _refuse_other_encodings(stream: IO[Any], media_type: str | None) -> None:
    """JSON is UTF-8 (RFC 8259). A body that claims to be something else may mean something else."""
    _, parameters = parse_header_parameters(media_type or "")
    charset = parameters.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(charset, detail="a body must be UTF-8")
    coding = _meta(stream).get("HTTP_CONTENT_ENCODING", "identity")
    if coding.lower() != "identity":
        raise UnsupportedMediaType(coding, detail="a body must not be compressed")


def _announced_length(stream: IO[Any]) -> int:
    """0 if the body came in chunks, which mark their own end."""
    return int(_meta(stream).get("CONTENT_LENGTH") or 0)


def _meta(stream: IO[Any]) -> Mapping[str, str]:
    """The request's `META`. It is empty if what is parsed did not come in a request."""
    return getattr(stream, "META", {})
