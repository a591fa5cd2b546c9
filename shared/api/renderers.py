"""JSON output. The media type is plain `application/json`, or problem+json if a view says so."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from shared.formats.json import dump_json


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dump_json(data)
