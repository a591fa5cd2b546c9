"""Clients that book and cancel at random and write down what they saw."""

import json
import random
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.proof.history import Booked, Cancelled, Operation, Outcome

ANSWER_SECONDS = 15.0


class Crowd:
    """`clients` threads, each with its own connection, that share users, events and targets.

    Many users have several clients, so that the same user books twice at once and the same
    booking is cancelled by several.
    """

    def __init__(self, *, port: int, event_ids: Sequence[int], users: int, seed: int) -> None:
        self.history: list[Operation] = []
        self._port = port
        self._event_ids = event_ids
        self._users = users
        self._seed = seed
        self._bookings: list[tuple[int, int]] = []

    def act(self, *, clients: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._client, args=(random.Random(self._seed + i), until))
            for i in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, rng: random.Random, until: float) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)) as http:
            while time.monotonic() < until:
                if rng.random() < 0.6 or not self._bookings:
                    self._book(http, rng)
                else:
                    self._cancel(http, rng)

    def _book(self, http: HTTPConnection, rng: random.Random) -> None:
        event_id = rng.choice(self._event_ids)
        user_id = f"user-{rng.randrange(self._users)}"
        path = f"/api/v1/events/{event_id}/bookings"
        outcome, body = _call(http, "POST", path, {"user_id": user_id})
        booking = body if outcome == "ok" else None
        self.history.append(
            Booked(event_id=event_id, user_id=user_id, outcome=outcome, booking=booking)
        )
        if booking is not None:
            self._bookings.append((event_id, booking["id"]))

    def _cancel(self, http: HTTPConnection, rng: random.Random) -> None:
        recent = self._bookings[-200:]
        event_id, booking_id = rng.choice(recent)
        outcome, body = _call(http, "DELETE", f"/api/v1/bookings/{booking_id}")
        already = outcome == "refused" and body.get("code") == "already_cancelled"
        self.history.append(
            Cancelled(event_id=event_id, booking_id=booking_id, outcome=outcome, already=already)
        )


def _call(
    http: HTTPConnection, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[Outcome, dict[str, Any]]:
    try:
        http.request(
            method,
            path,
            body=json.dumps(body) if body else None,
            headers={"Content-Type": "application/json"},
        )
        response = http.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException):
        http.close()
        return "unknown", {}
    if response.status >= 500:
        return "unknown", answer
    return ("ok" if response.status < 300 else "refused"), answer
