"""Static files straight from the packages: compressed, cacheable, and without source maps."""

import gzip
import re
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Response, StaticFile

# Shorter files fit into one packet uncompressed.
_WORTH_IT_BYTES = 1400
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise compresses only what collectstatic collected, and nothing is collected here."""

    _compressor = Compressor(quiet=True)

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any = None) -> None:
        # Only debuggers ask for source maps, which are most of the bytes.
        if not path.endswith(".map"):
            super().add_file_to_dictionary(url, path, stat_cache=stat_cache)

    def get_static_file(
        self, path: str, url: str, stat_cache: Any = None
    ) -> "StaticFile | CompressibleFile":
        plain = super().get_static_file(path, url, stat_cache=stat_cache)
        is_short = Path(path).stat().st_size < _WORTH_IT_BYTES
        if is_short or not self._compressor.should_compress(path):
            return plain
        return CompressibleFile(plain, Path(path))


class CompressibleFile:
    """Answers like WhiteNoise's `StaticFile`. Each process compresses the file once, when it is
    first requested, and all clients that read it share these bytes."""

    def __init__(self, plain: StaticFile, path: Path) -> None:
        self._plain = plain
        self._path = path
        self._compressed: bytes | None = None

    def get_response(self, method: str, request_headers: Mapping[str, str]) -> Response:
        """`request_headers` are Django's `META`."""
        response = self._plain.get_response(method, request_headers)
        headers = Headers([*response.headers, ("Vary", "Accept-Encoding")])
        accepted = request_headers.get("HTTP_ACCEPT_ENCODING", "")
        if response.status != HTTPStatus.OK or not _TAKES_GZIP.search(accepted):
            return Response(response.status, headers.items(), response.file)
        if self._compressed is None:
            self._compressed = gzip.compress(self._path.read_bytes(), mtime=0)
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(self._compressed))
        if response.file is None:
            return Response(response.status, headers.items(), None)
        response.file.close()
        return Response(response.status, headers.items(), BytesIO(self._compressed))
