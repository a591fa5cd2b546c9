import re
from typing import Any

from django.http import HttpRequest
from whitenoise.middleware import WhiteNoiseMiddleware

_REFUSED_ENCODING = re.compile(r"[^,]*;\s*q=0(\.0*)?\s*(?=,|$)")


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise's own would send gzip even to a client that says `gzip;q=0`."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> Any:
        accepted = request.META.get("HTTP_ACCEPT_ENCODING", "")
        request.META["HTTP_ACCEPT_ENCODING"] = _REFUSED_ENCODING.sub("", accepted)
        return WhiteNoiseMiddleware.serve(static_file, request)
