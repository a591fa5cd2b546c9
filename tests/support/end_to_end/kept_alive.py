"""Clients that keep their connections, and log each request that was sent and not answered."""

import asyncio
import contextlib
import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from tests.support.end_to_end.clients import EVENTS
from tests.support.end_to_end.kept_connection import read_answer, request

_ASK_SECONDS = 0.1
# Of a client between two requests.
_PAUSE_SECONDS = 0.5


class KeptAlive:
    """They connect anew until `/health/ready` says that the service ends, as a balancer would."""

    def __init__(self, url: str, *, event_id: int | None = None) -> None:
        """They book that event if there is one, and else ask for `/health`."""
        address = urlsplit(url)
        self._url, self._host, self._port = url, address.hostname, address.port
        self.event_id = event_id
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._sends_new = True
        self.answers: Counter[int] = Counter()
        self.last_of_their_connection = 0
        self.refused_probes = 0
        self.failures: list[str] = []

    @contextlib.contextmanager
    def running(self, number: int) -> Iterator[None]:
        """Ends them after the block, when each has had its last answer."""
        threads = [
            threading.Thread(target=self._probe),
            threading.Thread(target=lambda: asyncio.run(self._clients(number))),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _probe(self) -> None:
        while not self._stopped.wait(_ASK_SECONDS):
            try:
                ready = httpx.get(f"{self._url}/health/ready", trust_env=False, timeout=60)
                # A busy machine's database may be late; that is not what this is about.
                if "about to end" in ready.text:
                    self.refused_probes += 1
                    self._sends_new = False
            except httpx.TransportError:
                self._sends_new = False

    async def _clients(self, number: int) -> None:
        await asyncio.gather(*(self._client() for _ in range(number)))

    async def _client(self) -> None:
        while self._sends_new and not self._stopped.is_set():
            try:
                reader, writer = await asyncio.open_connection(self._host, self._port)
            except OSError as error:
                self.failures.append(f"no connection: {error!r}")
                return
            with contextlib.closing(writer):
                await self._use(reader, writer)

    async def _use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self._stopped.is_set():
            writer.write(self._request())
            try:
                answer = await read_answer(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(f"no answer: {error!r}")
                return
            self.answers[answer.status] += 1
            if answer.is_last:
                self.last_of_their_connection += 1
                return
            await asyncio.sleep(random.uniform(0, 2 * _PAUSE_SECONDS))

    def _request(self) -> bytes:
        if self.event_id is None:
            return request("GET", "/health", host="localhost")
        path = f"{EVENTS}/{self.event_id}/bookings"
        user = {"user_id": f"user-{next(self._numbers)}"}
        return request("POST", path, host="localhost", body=user)
