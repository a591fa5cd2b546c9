"""What the event desk sees of the booking service: one that answers, and one that never does."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from event_project.events.models import Event


class BookingService(ThreadingHTTPServer):
    """Answers as `GET /api/v1/events` does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.rows: dict[int, dict[str, Any]] = {}
        self.body: bytes | None = None
        self.asked: list[list[int]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def knows(
        self, event: Event, *, confirmed: int = 0, waiting: int = 0, version: int = 1
    ) -> None:
        self.rows[event.pk] = {
            "id": event.pk,
            "version": version,
            "confirmed_count": confirmed,
            "waitlisted_count": waiting,
            "seats_available": max(0, event.max_seats - confirmed),
        }


class _Answer(BaseHTTPRequestHandler):
    server: BookingService

    def do_GET(self) -> None:
        ids = [int(text) for text in parse_qs(urlsplit(self.path).query)["id"]]
        self.server.asked.append(ids)
        known = [self.server.rows[each] for each in ids if each in self.server.rows]
        body = self.server.body or json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def frozen_server() -> Iterator[str]:
    """The kernel accepts connections for it, and nothing ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
