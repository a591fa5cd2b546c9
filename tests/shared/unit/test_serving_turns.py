"""The turns of requests in a worker, over real sockets: nothing is patched, gevent has its own."""

from collections.abc import Iterator
from time import monotonic

import gevent
import pytest
from gevent import socket

from shared.serving.connection import Connection
from shared.serving.turns import SLOW_A_SECOND, SlowTurns, Turns
from tests.support.waiting import BRIEF_SECONDS

NEVER = 0.0


@pytest.fixture
def turns() -> Turns:
    return Turns(number=1)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    client, accepted = socket.socketpair()
    connection = Connection(accepted)
    yield client, connection
    client.close()
    connection.close()


def test_further_requests_wait_in_the_order_in_which_they_came(turns: Turns) -> None:
    came: list[int] = []

    def request(number: int) -> None:
        assert turns.take()
        came.append(number)
        gevent.sleep(0)
        turns.give_back()

    assert turns.take()
    waiting = [gevent.spawn(request, number) for number in range(5)]
    gevent.sleep(BRIEF_SECONDS)
    assert came == []
    turns.give_back()
    gevent.joinall(waiting, timeout=30, raise_error=True)
    assert came == [0, 1, 2, 3, 4]


def test_one_that_has_no_turn_in_time_is_told_so(turns: Turns) -> None:
    assert turns.take()
    assert not turns.take(seconds=BRIEF_SECONDS)


def test_a_peer_that_has_yet_to_send_keeps_no_other_waiting(
    turns: Turns, pair: tuple[socket.socket, Connection]
) -> None:
    client, connection = pair
    assert connection.take_turn(turns)
    assert not turns.take(seconds=NEVER)
    reading = gevent.spawn(connection.recv, 10)
    gevent.sleep(BRIEF_SECONDS)

    assert turns.take(seconds=NEVER)
    turns.give_back()

    client.sendall(b"the rest")
    assert reading.get(timeout=30) == b"the rest"
    assert not turns.take(seconds=NEVER)  # it goes on
    connection.end_turn()
    assert turns.take(seconds=NEVER)


def test_a_turn_ends_when_the_answer_is_sent(
    turns: Turns, pair: tuple[socket.socket, Connection]
) -> None:
    _, connection = pair
    assert connection.take_turn(turns)

    connection.sendall(b"answer")

    assert turns.take(seconds=NEVER)
    connection.end_turn()
    turns.give_back()
    with pytest.raises(ValueError, match="released too many times"):
        turns.give_back()


def test_slow_turns_begin_one_after_the_other() -> None:
    slow = SlowTurns(number=16)
    begun: list[float] = []

    def request() -> None:
        assert slow.take()
        begun.append(monotonic())
        slow.give_back()

    requests = [gevent.spawn(request) for _ in range(10)]
    gevent.joinall(requests, timeout=30, raise_error=True)

    assert begun[-1] - begun[0] >= 9 / SLOW_A_SECOND * 0.99
