"""The issuer's keys: how long they are used, how often they are fetched, what an outage costs."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.auth import keys
from shared.auth.errors import InvalidToken, KeysUnavailable
from shared.auth.keys import FETCH_SECONDS, PAUSE_SECONDS, IssuerKeys
from tests.shared.issuer import Issuer, public_key, running_issuer
from tests.shared.waiting import PATIENCE_SECONDS, until

MAX_AGE = 600.0


class Clock:
    """Stands still until it is told."""

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


def test_many_who_ask_at_once_make_one_fetch(issuer: Issuer, kept: IssuerKeys) -> None:
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


def test_from_half_its_time_on_a_set_is_fetched_anew_and_nobody_waits(
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
        issuer.proxy.mend()  # from the second time on nobody would be refused, if they asked
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


def test_a_fetch_that_ends_too_late_changes_nothing(
    issuer: Issuer, kept: IssuerKeys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_SECONDS", 0.2)
    issuer.proxy.freeze()
    with pytest.raises(KeysUnavailable):
        kept.get("first")
    late = kept._fetch
    assert late is not None
    clock.now += PAUSE_SECONDS
    with pytest.raises(KeysUnavailable):
        kept.get("first")

    issuer.proxy.mend()

    assert late.ended.wait(PATIENCE_SECONDS)
    assert not late.succeeded


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


def test_a_token_may_leave_the_id_out_where_there_is_only_one_key(
    issuer: Issuer, kept: IssuerKeys, clock: Clock
) -> None:
    assert kept.get(None).key_id == "first"
    issuer.shows = {"keys": [public_key("first"), public_key("second")]}
    clock.now += PAUSE_SECONDS
    kept.get("second")
    with pytest.raises(InvalidToken):
        kept.get(None)
