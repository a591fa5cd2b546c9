"""The issuer's keys: how long they are used, how often they are fetched, what an outage costs."""

import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest

from shared.auth import keys
from shared.auth.errors import InvalidToken, KeysUnavailable
from shared.auth.keys import FETCH_SECONDS, PAUSE_SECONDS, IssuerKeys
from tests.support.issuer import Issuer, public_key, running_issuer
from tests.support.waiting import PATIENCE_SECONDS, until

MAX_AGE = 600.0
HANGS_SECONDS = PATIENCE_SECONDS


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(keys, "monotonic", clock)
    return clock


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def kept(issuer: Issuer, clock: Clock) -> IssuerKeys:
    return IssuerKeys(url=issuer.url, max_age=MAX_AGE)


def wait_for_last_fetch(kept: IssuerKeys) -> None:
    """The clock of a test jumps; a fetch takes real time."""
    assert kept._fetch is not None
    assert kept._fetch.ended.wait(HANGS_SECONDS)


def test_many_requests_at_once_make_one_fetch(issuer: Issuer, kept: IssuerKeys) -> None:
    together = threading.Barrier(20, timeout=PATIENCE_SECONDS)

    def ask(_: int) -> str | None:
        together.wait()
        return kept.get("first").key_id

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {"first"}
    assert issuer.asked == 1


def test_a_known_key_is_not_fetched_again(issuer: Issuer, kept: IssuerKeys, clock: Clock) -> None:
    for _ in range(10):
        kept.get("first")
        clock.now += MAX_AGE / 30
    assert issuer.asked == 1


def test_an_unknown_key_is_refused_and_fetched_at_a_bounded_rate(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    kept.get("first")
    for number in range(50):
        with pytest.raises(InvalidToken):
            kept.get(f"unknown-{number}")
    assert issuer.asked == 1

    clock.now += PAUSE_SECONDS
    for number in range(50):
        with pytest.raises(InvalidToken):
            kept.get(f"unknown-{number}")
    assert issuer.asked == 2


def test_a_new_key_is_found_and_a_withdrawn_one_refused(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    kept.get("first")
    issuer.shows = {"keys": [public_key("second")]}
    clock.now += PAUSE_SECONDS

    assert kept.get("second").key_id == "second"
    with pytest.raises(InvalidToken):
        kept.get("first")


def test_after_half_its_time_a_set_is_refreshed_in_the_background(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    kept.get("first")
    issuer.shows = {"keys": [public_key("first"), public_key("second")]}
    clock.now += MAX_AGE / 2 + 1

    issuer.proxy.freeze()
    assert kept.get("first").key_id == "first"
    issuer.proxy.mend()

    until(lambda: "second" in kept._keys, "the new set")
    assert issuer.asked == 2


def test_known_keys_work_while_the_issuer_is_away_until_their_time_is_over(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    kept.get("first")
    issuer.proxy.cut()
    for _ in range(9):
        clock.now += MAX_AGE / 10
        assert kept.get("first").key_id == "first"
        wait_for_last_fetch(kept)

    clock.now += MAX_AGE / 10
    with pytest.raises(KeysUnavailable):
        kept.get("first")

    issuer.proxy.mend()
    clock.now += PAUSE_SECONDS
    assert kept.get("first").key_id == "first"


def test_an_issuer_that_is_away_is_asked_at_a_bounded_rate(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    issuer.proxy.cut()
    waits = []
    for _ in range(20):
        with pytest.raises(KeysUnavailable) as unavailable:
            kept.get("first")
        waits.append(unavailable.value.retry_after)
        clock.now += 1
        issuer.proxy.mend()  # from the second time on, no caller would be refused
        if len(waits) == PAUSE_SECONDS:
            break
    assert waits == [5, 4, 3, 2, 1]
    assert issuer.asked == 0
    assert kept.get("first").key_id == "first"


def test_an_issuer_that_hangs_is_waited_for_once_and_not_for_long(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_SECONDS", 0.2)
    kept = IssuerKeys(url=issuer.url, max_age=MAX_AGE)
    issuer.proxy.freeze()
    with pytest.raises(KeysUnavailable):
        kept.get("first")
    fetch = kept._fetch
    with pytest.raises(KeysUnavailable):
        kept.get("first")
    assert kept._fetch is fetch
    assert 2 <= FETCH_SECONDS <= 3


def test_a_name_that_does_not_resolve_holds_one_fetch_and_no_caller_for_long(
    issuer: Issuer, kept: IssuerKeys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver has no timeout that we could set: it is what can't be cut off."""
    resolved = threading.Event()
    resolving: list[float] = []
    resolve = socket.getaddrinfo

    def hang(*arguments: Any, **options: Any) -> Any:
        resolving.append(time.monotonic())
        assert resolved.wait(HANGS_SECONDS)
        return resolve(*arguments, **options)

    monkeypatch.setattr(keys, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            kept.get("first")
        clock.now += PAUSE_SECONDS
    assert len(resolving) == 1
    late = kept._fetch
    assert late is not None

    until(lambda: time.monotonic() > resolving[0] + 0.2, "the end of the fetch's time")
    resolved.set()

    assert late.ended.wait(HANGS_SECONDS)
    assert not late.succeeded
    monkeypatch.undo()
    kept = IssuerKeys(url=issuer.url, max_age=MAX_AGE)
    assert kept.get("first").key_id == "first"


HEAD = b"HTTP/1.0 200 OK\r\n"
LARGE_HEADER = b"A: " + b"a" * 65000 + b"\r\n"
SHOWN = json.dumps({"keys": [public_key("first")]}).encode()


def trickled(text: bytes) -> Iterator[bytes]:
    """Each piece comes long before a timeout of the socket; all of them together take minutes."""
    for position in range(len(text)):
        yield text[position : position + 1]
        time.sleep(0.05)


def endless(head: bytes, piece: bytes) -> Iterator[bytes]:
    yield head
    for _ in range(400 * 1024 * 1024 // len(piece)):
        yield piece


HOSTILE: dict[str, Callable[[], Iterator[bytes]]] = {
    "400 MB": lambda: endless(HEAD + b"\r\n", b" " * 65536),
    "400 MB announced": lambda: endless(HEAD + b"Content-Length: 419430400\r\n\r\n", b" " * 65536),
    "400 MB in chunks": lambda: endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + b" " * 65536 + b"\r\n",
    ),
    "headers without end": lambda: endless(HEAD, LARGE_HEADER),
    "all the headers it reads, and no end": lambda: chain(
        [HEAD + LARGE_HEADER * 99], trickled(SHOWN)
    ),
    "100 without end": lambda: endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "trickled status": lambda: trickled(HEAD + b"a: b\r\n" * 1000),
    "trickled headers": lambda: chain([HEAD], trickled(b"a: b\r\n" * 1000)),
    "trickled body": lambda: chain([HEAD + b"\r\n"], trickled(b" " * 2000 + SHOWN)),
    "gzip bomb": lambda: iter(
        [
            HEAD + b"Content-Encoding: gzip\r\n\r\n",
            gzip.compress(b" " * 1024 * 1024) * 100,
        ]
    ),
    "nested": lambda: iter([HEAD + b"\r\n" + b'{"keys":' + b"[" * 500_000]),
    "many keys": lambda: iter(
        [
            HEAD + b"\r\n",
            json.dumps({"keys": [public_key("first", kid=f"{n}") for n in range(500)]}).encode(),
        ]
    ),
    "a huge key": lambda: iter(
        [HEAD + b"\r\n", json.dumps({"keys": [public_key("first", n="A" * 900_000)]}).encode()]
    ),
    "an id that is no text": lambda: iter(
        [HEAD + b"\r\n", json.dumps({"keys": [public_key("first", kid=["first"])]}).encode()]
    ),
    "elsewhere": lambda: iter([b"HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"]),
}


@pytest.mark.parametrize("sends", HOSTILE.values(), ids=HOSTILE)
def test_what_a_hostile_issuer_sends_costs_one_thread_little_memory_and_no_long_time(
    issuer: Issuer,
    kept: IssuerKeys,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    sends: Callable[[], Iterator[bytes]],
) -> None:
    monkeypatch.setattr(keys, "FETCH_SECONDS", 1.0)
    issuer.sends = sends
    tracemalloc.start()
    try:
        with pytest.raises(KeysUnavailable):
            kept.get("first")
        wait_for_last_fetch(kept)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # http.client reads up to 100 headers of 64 KB, and has several copies of them while it parses.
    assert most < 64 * 1024 * 1024

    issuer.sends = None
    clock.now += PAUSE_SECONDS
    monkeypatch.setattr(keys, "FETCH_SECONDS", HANGS_SECONDS)
    assert kept.get("first").key_id == "first"


def test_while_the_issuer_is_away_an_unknown_key_is_refused_at_once(
    issuer: Issuer, kept: IssuerKeys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.get("first")
    monkeypatch.setattr(keys, "FETCH_SECONDS", 0.2)
    issuer.proxy.freeze()
    clock.now += PAUSE_SECONDS
    with pytest.raises(KeysUnavailable):
        kept.get("unknown")
    wait_for_last_fetch(kept)
    failed = kept._fetch

    monkeypatch.setattr(keys, "FETCH_SECONDS", 3 * HANGS_SECONDS)
    clock.now += PAUSE_SECONDS
    began = time.monotonic()
    with pytest.raises(KeysUnavailable):
        kept.get("unknown")  # it begins a fetch that would take that long
    assert kept.get("first").key_id == "first"
    assert time.monotonic() - began < HANGS_SECONDS

    issuer.proxy.mend()
    assert kept._fetch is not failed
    wait_for_last_fetch(kept)


@pytest.mark.parametrize(
    ("status", "shows"),
    [
        (500, {"keys": []}),
        (404, b"<html>"),
        (301, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, []),
        (200, {}),
        (200, {"keys": []}),
        (200, {"keys": {}}),
        (200, {"keys": [5, None, {}, {"kty": "RSA"}, {"kty": "magic"}]}),
        (200, {"keys": [{"kty": "oct", "kid": "first", "k": "c2VjcmV0"}]}),
        (200, {"keys": [public_key("first", use="enc")]}),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_an_answer_without_usable_keys_is_an_outage(
    issuer: Issuer, kept: IssuerKeys, status: int, shows: object, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.status, issuer.shows = status, shows
    with pytest.raises(KeysUnavailable):
        kept.get("first")
    assert issuer.url in caplog.text


def test_an_unusable_key_does_not_spoil_the_others(issuer: Issuer, kept: IssuerKeys) -> None:
    issuer.shows = {"keys": [{"kty": "magic"}, public_key("first")]}
    assert kept.get("first").key_id == "first"


def test_a_token_may_leave_the_key_id_out_if_there_is_only_one_key(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    assert kept.get(None).key_id == "first"
    issuer.shows = {"keys": [public_key("first"), public_key("second")]}
    clock.now += PAUSE_SECONDS
    kept.get("second")
    with pytest.raises(InvalidToken):
        kept.get(None)
