"""A crowd that watches the live page of one event: `python -m bench.viewers URL EVENT COUNT`.

Each viewer asks as the page's script does, and as often as the service says. At SIGTERM the number
of answers and of failures is printed as JSON.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
from urllib.parse import urlsplit


class Crowd:
    def __init__(self, url: str, event_id: int) -> None:
        self._address = urlsplit(url)
        self._path = f"/events/{event_id}/live.json"
        self.answers = 0
        self.failures = 0

    async def watch(self) -> None:
        """One viewer, until cancelled."""
        await asyncio.sleep(random.random())
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._watch_on_one_connection()
            self.failures += 1
            await asyncio.sleep(1)

    async def _watch_on_one_connection(self) -> None:
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        since = 0
        try:
            while True:
                request = (
                    f"GET {self._path}?since={since} HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
                )
                writer.write(f"{request}Accept: application/json\r\n\r\n".encode())
                status, _, head = (await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")
                lengths = [line for line in head.splitlines() if line.startswith("Content-Length:")]
                body = await reader.readexactly(int(lengths[0].split()[1]))
                if " 200 " not in status:
                    return
                self.answers += 1
                answer = json.loads(body)
                since = max([since, *(second[0] - 1 for second in answer["seconds"][-1:])])
                await asyncio.sleep(answer["every"] * random.uniform(0.9, 1.1))
        finally:
            writer.close()


async def main(url: str, event_id: int, count: int) -> None:
    crowd = Crowd(url, event_id)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    viewers = [asyncio.create_task(crowd.watch()) for _ in range(count)]
    await stopped.wait()
    print(json.dumps({"answers": crowd.answers, "failures": crowd.failures}))
    for viewer in viewers:
        viewer.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
