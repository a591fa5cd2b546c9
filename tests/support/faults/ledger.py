"""Requests to the event service, and its responses."""

import itertools
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx

from tests.support.end_to_end.clients import EVENTS, Json, event_input, open_client
from tests.support.faults.copies import EventRow, parse_event

_numbers = itertools.count(1)


class Ledger:
    """Used by any number of threads. Requests answered 200 or 201 are acknowledged; all
    others may or may not have taken place."""

    def __init__(self, url: str) -> None:
        self.client = open_client(url)
        self.acknowledged: list[EventRow] = []
        self.others: Counter[str] = Counter()

    def close(self) -> None:
        self.client.close()

    @property
    def unknown(self) -> int:
        return self.others.total()

    def create(self, **changes: Any) -> EventRow | None:
        """The event, if it was acknowledged."""
        name = f"Created {next(_numbers)}"
        return self._send("POST", EVENTS, event_input(**{"name": name, **changes}))

    def edit(self, event_id: int) -> EventRow | None:
        """The event as changed, if that was acknowledged. No two edits are the same."""
        number = next(_numbers)
        changes: Json = {
            "name": f"Edited {number}",
            "max_seats": 1 + number,
            "price": float(Decimal(number) / 4),
        }
        return self._send("PATCH", f"{EVENTS}/{event_id}", changes)

    def create_or_edit(self) -> None:
        """Two edits for each creation, where there is something to edit."""
        if self.acknowledged and random.random() < 2 / 3:
            self.edit(random.choice(self.acknowledged).id)
        else:
            self.create()

    def _send(self, method: str, path: str, body: Json) -> EventRow | None:
        try:
            response = self.client.request(method, path, json=body)
        except httpx.TransportError as error:
            self.others[type(error).__name__] += 1
            return None
        if not response.is_success:
            self.others[str(response.status_code)] += 1
            return None
        event = parse_event(response.json())
        self.acknowledged.append(event)
        return event
