"""A client that keeps its connection, with little work per request."""

import asyncio
import contextlib
import json
import ssl
import time
from dataclasses import dataclass
from typing import Any

# Longer than nginx waits for a service.
ANSWER_SECONDS = 60
# An idle connection is used again for a shorter time than nginx keeps it (75 s).
IDLE_SECONDS = 60


@dataclass(frozen=True)
class Answered:
    status: int
    body: bytes
    is_last: bool

    def json(self) -> Any:
        return json.loads(self.body)


def request(method: str, path: str, *, host: str, body: object = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def read_answer(reader: asyncio.StreamReader) -> Answered:
    """Raises `asyncio.IncompleteReadError` if the connection ends before the answer does."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    body = await reader.readexactly(length)
    return Answered(int(head.split()[1]), body, "connection: close" in head)


class KeptConnection:
    """Opened when it is needed, and anew after a last answer, an error or a long pause."""

    def __init__(self, *, port: int, host: str, tls: ssl.SSLContext, address: str) -> None:
        """`address` is the client's own."""
        self._port, self._host, self._tls, self._address = port, host, tls, address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_at = 0.0

    async def ask(self, method: str, path: str, body: object = None) -> Answered:
        """Raises `OSError` or `asyncio.IncompleteReadError` if there is no answer."""
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            await self.close()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._streams is None:
                    self._streams = await self._open()
                reader, writer = self._streams
                writer.write(request(method, path, host=self._host, body=body))
                answer = await read_answer(reader)
        except BaseException:
            await self.close()
            raise
        if answer.is_last:
            await self.close()
        self._used_at = time.monotonic()
        return answer

    async def close(self) -> None:
        if self._streams is None:
            return
        (_, writer), self._streams = self._streams, None
        # Without TLS's own goodbye, which a server that is gone doesn't return.
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1",
            self._port,
            ssl=self._tls,
            server_hostname=self._host,
            local_addr=(self._address, 0),
        )
