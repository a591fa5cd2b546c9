"""Clients that connect anew for each request, until the port is closed."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.support.end_to_end.kept_connection import read_answer, request

CALLERS = 50
# The kernel repeats the first packet of a connection after a second.
CONNECT_SECONDS = 0.5


class Callers:
    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname, address.port
        self.answered = 0
        self.turned_away = 0
        self.failures: list[str] = []

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Until the port is closed for all of them. The block has to see to that."""
        thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        thread.start()
        try:
            yield
        finally:
            thread.join()

    async def _all(self) -> None:
        await asyncio.gather(*(self._call_until_closed() for _ in range(CALLERS)))

    async def _call_until_closed(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, writer = await asyncio.open_connection(self._host, self._port)
            except ConnectionRefusedError:
                self.turned_away += 1
                return
            except TimeoutError:
                continue
            with contextlib.closing(writer):
                writer.write(request("GET", "/health", host="localhost"))
                try:
                    await read_answer(reader)
                    self.answered += 1
                except (OSError, asyncio.IncompleteReadError) as error:
                    self.failures.append(repr(error))
