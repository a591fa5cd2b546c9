"""`Group`: requests that wait for the same moment are handled together."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from shared.grouping import Group, GroupOverdue
from tests.shared.waiting import BRIEF_SECONDS, PATIENCE_SECONDS, until

# To be taken up by a group that is ready, on a busy machine, too.
LONG_ENOUGH_SECONDS = 3.0


class Handler:
    """Answers n with -n. Keeps the groups it got; holds each while `free` is not set."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.at_once = 0

    def __call__(self, requests: Sequence[int]) -> list[int]:
        self.at_once += 1
        assert self.at_once == 1, "two groups at the same time"
        self.groups.append(list(requests))
        assert self.free.wait(PATIENCE_SECONDS)
        self.at_once -= 1
        if any(request < 0 for request in requests):
            raise ZeroDivisionError
        return [-request for request in requests]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=250) as pool:
        yield pool


def queued(group: Group[int, int], count: int) -> None:
    until(lambda: len(group._queue) == count, f"queue of {count}")


def submit_behind(
    group: Group[int, int], handler: Handler, pool: ThreadPoolExecutor, requests: Sequence[int]
) -> list[Future[int]]:
    """The first is being handled, the others wait behind it, in this order."""
    handler.free.clear()
    futures = [pool.submit(group.submit, requests[0])]
    until(lambda: handler.groups, "first group")
    for position, request in enumerate(requests[1:], start=1):
        futures.append(pool.submit(group.submit, request))
        queued(group, position)
    return futures


def answers(futures: Sequence[Future[int]]) -> list[int]:
    return [future.result(PATIENCE_SECONDS) for future in futures]


def test_a_request_alone_is_handled_at_once_in_its_own_thread() -> None:
    threads = []

    def handle(requests: Sequence[int]) -> list[int]:
        threads.append(threading.current_thread())
        return [-request for request in requests]

    group: Group[int, int] = Group(handle, max_size=8, max_wait=PATIENCE_SECONDS)

    assert [group.submit(1), group.submit(2)] == [-1, -2]
    assert threads == [threading.current_thread()] * 2


def test_what_arrives_meanwhile_is_the_next_group_in_order(pool: ThreadPoolExecutor) -> None:
    handler = Handler()
    group = Group(handler, max_size=64, max_wait=PATIENCE_SECONDS)
    futures = submit_behind(group, handler, pool, [1, 2, 3, 4, 5])

    handler.free.set()

    assert answers(futures) == [-1, -2, -3, -4, -5]
    assert handler.groups == [[1], [2, 3, 4, 5]]


def test_no_group_is_larger_than_allowed(pool: ThreadPoolExecutor) -> None:
    handler = Handler()
    group = Group(handler, max_size=3, max_wait=PATIENCE_SECONDS)
    futures = submit_behind(group, handler, pool, range(1, 10))

    handler.free.set()

    assert answers(futures) == [-number for number in range(1, 10)]
    assert handler.groups == [[1], [2, 3, 4], [5, 6, 7], [8, 9]]


def test_who_waits_too_long_is_told_and_is_never_handled(pool: ThreadPoolExecutor) -> None:
    handler = Handler()
    group = Group(handler, max_size=8, max_wait=BRIEF_SECONDS)
    [leader] = submit_behind(group, handler, pool, [1])

    with pytest.raises(GroupOverdue):
        group.submit(2)
    handler.free.set()

    assert leader.result(PATIENCE_SECONDS) == -1
    assert group.submit(3) == -3
    assert handler.groups == [[1], [3]]


def test_who_was_taken_up_gets_the_answer_however_long_it_takes(pool: ThreadPoolExecutor) -> None:
    """Its work is being done: only the answer says whether it was."""
    handler = Handler()
    group = Group(handler, max_size=8, max_wait=LONG_ENOUGH_SECONDS)
    leader, member = submit_behind(group, handler, pool, [1, 2])
    second_round = threading.Event()
    first, handler.free = handler.free, second_round
    first.set()
    assert leader.result(PATIENCE_SECONDS) == -1
    until(lambda: len(handler.groups) == 2, "second group")

    with pytest.raises(TimeoutError):
        member.result(LONG_ENOUGH_SECONDS + BRIEF_SECONDS)
    second_round.set()

    assert member.result(PATIENCE_SECONDS) == -2


def test_a_failure_reaches_the_whole_group_and_all_who_wait_behind_it(
    pool: ThreadPoolExecutor,
) -> None:
    handler = Handler()
    group = Group(handler, max_size=2, max_wait=PATIENCE_SECONDS)
    futures = submit_behind(group, handler, pool, [-1, 2, 3, 4])

    handler.free.set()

    for future in futures:
        with pytest.raises(ZeroDivisionError):
            future.result(PATIENCE_SECONDS)
    assert handler.groups == [[-1]]
    assert group.submit(5) == -5, "and the next one starts anew"


def test_a_handler_that_answers_too_few_fails_instead_of_leaving_somebody_waiting(
    pool: ThreadPoolExecutor,
) -> None:
    release = threading.Event()
    started = threading.Event()

    def handle(requests: Sequence[int]) -> list[int]:
        started.set()
        assert release.wait(PATIENCE_SECONDS)
        return [0]

    group: Group[int, int] = Group(handle, max_size=8, max_wait=PATIENCE_SECONDS)
    leader = pool.submit(group.submit, 1)
    assert started.wait(PATIENCE_SECONDS)
    others = [pool.submit(group.submit, number) for number in (2, 3)]
    queued(group, 2)
    release.set()

    assert leader.result(PATIENCE_SECONDS) == 0
    for other in others:
        with pytest.raises(ValueError, match="shorter"):
            other.result(PATIENCE_SECONDS)


@pytest.mark.parametrize("max_size", [1, 7, 64])
def test_two_hundred_threads_lose_no_wake_up(pool: ThreadPoolExecutor, max_size: int) -> None:
    handler = Handler()
    group = Group(handler, max_size=max_size, max_wait=PATIENCE_SECONDS)
    barrier = threading.Barrier(200)

    def many(first: int) -> list[int]:
        barrier.wait(PATIENCE_SECONDS)
        return [group.submit(number) for number in range(first, first + 10)]

    found = [pool.submit(many, first) for first in range(1, 2001, 10)]

    assert [answer for future in found for answer in future.result(PATIENCE_SECONDS)] == [
        -number for number in range(1, 2001)
    ]
    assert max(map(len, handler.groups)) <= max_size
    handled = sorted(request for each in handler.groups for request in each)
    assert handled == list(range(1, 2001)), "each exactly once"
    assert not group._led


def test_groups_are_as_large_as_the_load(pool: ThreadPoolExecutor) -> None:
    handler = Handler()
    group = Group(handler, max_size=64, max_wait=PATIENCE_SECONDS)
    [first] = submit_behind(group, handler, pool, [0])
    others = [pool.submit(group.submit, number) for number in range(1, 200)]
    queued(group, 199)

    handler.free.set()

    assert answers([first, *others]) == [-number for number in range(200)]
    assert [len(each) for each in handler.groups] == [1, 64, 64, 64, 7]
