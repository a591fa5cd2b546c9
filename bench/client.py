"""A plain client of the API, for verification. It isn't used to generate load."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

from bench.errors import BenchError

LARGEST_PAGE = 1000


class Client:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def status(self, event_id: int) -> dict[str, Any]:
        status: dict[str, Any] = self._get(f"/api/v1/events/{event_id}/status").json()
        return status

    def bookings(self, event_id: int, *, status: str) -> list[dict[str, Any]]:
        """All of them, from as many pages as it takes."""
        start = f"/api/v1/events/{event_id}/bookings?status={status}&limit={LARGEST_PAGE}"
        return [booking for _, page in self.pages(start) for booking in page]

    def pages(self, start: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Path and bookings of each page, following `Link: rel="next"`."""
        path: str | None = start
        while path is not None:
            response = self._get(path)
            yield path, response.json()
            following = response.links.get("next")
            path = httpx.URL(following["url"]).raw_path.decode() if following else None

    def _get(self, path: str) -> httpx.Response:
        response = self._http.get(path)
        if response.status_code != httpx.codes.OK:
            raise BenchError(f"GET {path} was answered {response.status_code}: {response.text}")
        return response
