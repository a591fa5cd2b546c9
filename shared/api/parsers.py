"""JSON input, with everything refused that a lenient parser would quietly reinterpret."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from shared.api.problems import BodyTooLarge
from shared.json import load_json


class StrictJSONParser(BaseParser):
    """What `shared.json.load_json` takes, within Django's limit on a body's size."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            # Not stream.read(): only Django's own reading keeps the limit on the body's size.
            body = stream.body if hasattr(stream, "body") else stream.read()
        except RequestDataTooBig as error:
            raise BodyTooLarge from error
        try:
            return load_json(body)
        except ValueError as error:
            raise ParseError(f"the body is not valid JSON: {error}") from error
