"""Real people of a simulated sale: each has a connection of their own, and one seat in mind."""

import asyncio
import math
import random
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.capacity.simulation import Sale

# An address may only have so many connections.
ADDRESSES = [f"127.0.0.{number}" for number in range(2, 42)]


@dataclass
class Seen:
    """Seconds after the opening, and seconds of waiting."""

    sold_out_at: float | None = None
    waits: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    asked_again: int = 0

    def longest_wait(self, share: float) -> float:
        """The wait that `share` (0 to 1) of the people had at most."""
        return sorted(self.waits)[math.ceil(share * len(self.waits)) - 1]


def run(url: str, event_id: int, sale: Sale) -> Seen:
    """Returns once everybody has an answer."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return asyncio.run(_Crowd(url, event_id, sale).come())


class _Crowd:
    def __init__(self, url: str, event_id: int, sale: Sale) -> None:
        self._address = urlsplit(url)
        self._path = f"/api/v1/events/{event_id}/bookings"
        self._sale = sale
        self._seen = Seen()

    async def come(self) -> Seen:
        self._opening = time.monotonic()
        async with asyncio.TaskGroup() as people:
            for number in range(self._sale.people):
                # The inverse of `Sale.arrived`.
                arrives = -math.log2(1 - (number + 0.5) / self._sale.people) * self._sale.half_life
                people.create_task(self._visit(number, self._opening + arrives))
        return self._seen

    async def _visit(self, number: int, arrives: float) -> None:
        await asyncio.sleep(arrives - time.monotonic())
        while True:
            try:
                async with asyncio.timeout(self._sale.patience):
                    status, retry_after = await self._book(number)
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                self._seen.asked_again += 1
                continue
            self._seen.answers[status] += 1
            if status != "503":
                break
            self._seen.asked_again += 1
            await asyncio.sleep(retry_after * random.uniform(1, 1.5))
        now = time.monotonic()
        self._seen.waits.append(now - arrives)
        if status == "409" and self._seen.sold_out_at is None:
            self._seen.sold_out_at = now - self._opening

    async def _book(self, number: int) -> tuple[str, float]:
        """The status of the answer, and for how long it asks to wait."""
        reader, writer = await asyncio.open_connection(
            self._address.hostname,
            self._address.port,
            local_addr=(ADDRESSES[number % len(ADDRESSES)], 0),
        )
        try:
            body = f'{{"user_id":"person-{number}"}}'
            lines = [
                f"POST {self._path} HTTP/1.1",
                f"Host: {self._address.netloc}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
                "Connection: close",
            ]
            writer.write("\r\n".join([*lines, "", body]).encode())
            answer = (await reader.read()).decode()
        finally:
            writer.close()
        status_line, *headers = answer.partition("\r\n\r\n")[0].split("\r\n")
        if not status_line:
            raise asyncio.IncompleteReadError(b"", None)
        return status_line.split()[1], _retry_after(headers)


def _retry_after(headers: Sequence[str]) -> float:
    values = [line.split(":")[1] for line in headers if line.lower().startswith("retry-after:")]
    return float(values[0]) if values else 1.0
