from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser


class IgnoringParser(BaseParser):
    """For what takes no input: a body of any type is left unread."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {}
