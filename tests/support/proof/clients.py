"""Clients that book and cancel at random and log what they saw."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.support.proof.history import Booked, Cancelled, Operation, Outcome
from tests.support.waiting import PATIENCE_SECONDS


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
        self._failures: list[str] = []
        self._over = threading.Event()

    @property
    def outcomes(self) -> Counter[Outcome]:
        return Counter(operation.outcome for operation in self.history)

    @property
    def failures(self) -> Counter[str]:
        """Outcomes that are neither a success nor a refusal: an error's name, or a status."""
        return Counter(self._failures)

    @contextmanager
    def acting(self, *, clients: int) -> Iterator[None]:
        """In the background, until the block ends."""
        threads = [
            threading.Thread(target=self._client, args=(random.Random(self._seed + i),))
            for i in range(clients)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _client(self, rng: random.Random) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)) as http:
            while not self._over.is_set():
                if rng.random() < 0.6 or not self._bookings:
                    self._book(http, rng)
                else:
                    self._cancel(http, rng)

    def _book(self, http: HTTPConnection, rng: random.Random) -> None:
        event_id = rng.choice(self._event_ids)
        user_id = f"user-{rng.randrange(self._users)}"
        path = f"/api/v1/events/{event_id}/bookings"
        outcome, body = self._call(http, "POST", path, {"user_id": user_id})
        booking = body if outcome == "ok" else None
        self.history.append(
            Booked(event_id=event_id, user_id=user_id, outcome=outcome, booking=booking)
        )
        if booking is not None:
            self._bookings.append((event_id, booking["id"]))

    def _cancel(self, http: HTTPConnection, rng: random.Random) -> None:
        recent = self._bookings[-200:]
        event_id, booking_id = rng.choice(recent)
        outcome, body = self._call(http, "DELETE", f"/api/v1/bookings/{booking_id}")
        already = outcome == "refused" and body.get("code") == "already_cancelled"
        self.history.append(
            Cancelled(event_id=event_id, booking_id=booking_id, outcome=outcome, already=already)
        )

    def _call(
        self, http: HTTPConnection, method: str, path: str, body: dict[str, Any] | None = None
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
        except (OSError, HTTPException) as error:
            http.close()
            self._failures.append(type(error).__name__)
            return "unknown", {}
        if response.status >= 500:
            self._failures.append(str(response.status))
            return "unknown", answer
        return ("ok" if response.status < 300 else "refused"), answer
