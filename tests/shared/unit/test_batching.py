"""`Batcher`: commands that wait at the same moment are processed together."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from shared.concurrency.batching import Batcher, BatchFailed, NotStarted, Outcome
from tests.support.waiting import until


@dataclass(frozen=True, eq=False)
class Negate:
    number: int
    outcome: Outcome[int] = field(default_factory=Outcome)


class TryAgain(Exception):
    pass


def failure(error: BaseException) -> Exception:
    return TryAgain() if isinstance(error, ZeroDivisionError) else BatchFailed()


class Processor:
    """Answers n with -n. Records its batches, and holds each until `free` is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.at_once = 0

    def __call__(self, commands: Sequence[Negate]) -> None:
        self.at_once += 1
        assert self.at_once == 1, "two batches at the same time"
        self.batches.append([command.number for command in commands])
        assert self.free.wait(60)
        self.at_once -= 1
        if any(command.number < 0 for command in commands):
            raise ZeroDivisionError
        for command in commands:
            command.outcome.set_result(-command.number)


def batcher(process: Callable[[list[Negate]], None], *, max_size: int = 64) -> Batcher[Negate]:
    return Batcher(process, max_size=max_size, failure=failure)


def submit(queue: Batcher[Negate], number: int, *, max_wait: float = 60) -> int:
    command = Negate(number)
    queue.add(command)
    return command.outcome.result(max_wait=max_wait)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=250) as pool:
        yield pool


def queued(queue: Batcher[Negate], count: int) -> None:
    until(lambda: len(queue._queue) == count, f"queue of {count}")


def submit_behind(
    queue: Batcher[Negate],
    processor: Processor,
    pool: ThreadPoolExecutor,
    numbers: Sequence[int],
    *,
    max_wait: float = 60,
) -> list[Future[int]]:
    """The first is being processed, the others wait behind it, in this order."""
    processor.free.clear()
    futures = [pool.submit(submit, queue, numbers[0])]
    until(lambda: processor.batches, "first batch")
    for position, number in enumerate(numbers[1:], start=1):
        futures.append(pool.submit(submit, queue, number, max_wait=max_wait))
        queued(queue, position)
    return futures


def answers(futures: Sequence[Future[int]]) -> list[int]:
    return [future.result(60) for future in futures]


def test_a_command_alone_is_processed_in_its_own_thread() -> None:
    threads = []

    def process(commands: list[Negate]) -> None:
        threads.append(threading.current_thread())
        for command in commands:
            command.outcome.set_result(-command.number)

    queue = batcher(process)

    assert [submit(queue, 1), submit(queue, 2)] == [-1, -2]
    assert threads == [threading.current_thread()] * 2
    assert queue.is_idle


def test_commands_that_arrive_during_a_batch_form_the_next_one_in_order(
    pool: ThreadPoolExecutor,
) -> None:
    processor = Processor()
    futures = submit_behind(batcher(processor), processor, pool, [1, 2, 3, 4, 5])

    processor.free.set()

    assert answers(futures) == [-1, -2, -3, -4, -5]
    assert processor.batches == [[1], [2, 3, 4, 5]]


def test_no_batch_is_larger_than_allowed(pool: ThreadPoolExecutor) -> None:
    processor = Processor()
    futures = submit_behind(batcher(processor, max_size=3), processor, pool, range(1, 10))

    processor.free.set()

    assert answers(futures) == [-number for number in range(1, 10)]
    assert processor.batches == [[1], [2, 3, 4], [5, 6, 7], [8, 9]]


def test_a_command_that_waits_too_long_fails_and_is_never_processed(
    pool: ThreadPoolExecutor,
) -> None:
    processor = Processor()
    queue = batcher(processor)
    processor.free.clear()
    leader = pool.submit(submit, queue, 1)
    until(lambda: processor.batches, "first batch")

    with pytest.raises(NotStarted):
        submit(queue, 2, max_wait=0.05)
    processor.free.set()

    assert leader.result(60) == -1
    assert submit(queue, 3) == -3
    assert processor.batches == [[1], [3]]


def test_a_command_that_was_taken_gets_its_outcome_however_long_it_takes(
    pool: ThreadPoolExecutor,
) -> None:
    """Its work has begun: only the outcome says whether it was done."""
    processor = Processor()
    queue = batcher(processor)
    max_wait = 0.3
    leader, member = submit_behind(queue, processor, pool, [1, 2], max_wait=max_wait)
    second_round = threading.Event()
    first, processor.free = processor.free, second_round
    first.set()
    assert leader.result(60) == -1
    until(lambda: len(processor.batches) == 2, "second batch")

    time.sleep(max_wait + 0.1)
    assert not member.done()
    second_round.set()

    assert member.result(60) == -2


def test_a_failure_reaches_the_batch_and_those_waiting_behind_it_each_with_its_own_exception(
    pool: ThreadPoolExecutor,
) -> None:
    processor = Processor()
    queue = batcher(processor, max_size=2)
    futures = submit_behind(queue, processor, pool, [-1, 2, 3, 4])

    processor.free.set()

    errors = [future.exception(60) for future in futures]
    assert [type(error) for error in errors] == [TryAgain] * 4
    assert len({id(error) for error in errors}) == 4
    assert all(isinstance(error.__cause__, ZeroDivisionError) for error in errors if error)
    assert processor.batches == [[-1]]
    assert submit(queue, 5) == -5, "and the next one starts anew"


def test_a_batch_that_leaves_a_command_undecided_fails(
    pool: ThreadPoolExecutor,
) -> None:
    release, started = threading.Event(), threading.Event()

    def decide_the_first(commands: list[Negate]) -> None:
        started.set()
        assert release.wait(60)
        commands[0].outcome.set_result(0)

    queue = batcher(decide_the_first)
    leader = pool.submit(submit, queue, 1)
    assert started.wait(60)
    others = [pool.submit(submit, queue, number) for number in (2, 3)]
    queued(queue, 2)
    release.set()

    assert leader.result(60) == 0
    outcomes = [other.exception(60) for other in others]
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BatchFailed", "NoneType"]


def test_a_command_that_is_passed_on_is_processed_by_the_other_batcher(
    pool: ThreadPoolExecutor,
) -> None:
    """Also the leader's own command: its thread then leads the other batch."""
    processor = Processor()
    other = batcher(processor)

    def pass_odd_numbers_on(commands: list[Negate]) -> None:
        for command in commands:
            if command.number % 2:
                other.add(command)
            else:
                command.outcome.set_result(-command.number)

    queue = batcher(pass_odd_numbers_on)

    assert list(pool.map(lambda number: submit(queue, number), range(1, 101))) == [
        -number for number in range(1, 101)
    ]
    assert sorted(number for batch in processor.batches for number in batch) == [*range(1, 101, 2)]
    assert queue.is_idle
    assert other.is_idle


@pytest.mark.parametrize("max_size", [1, 7, 64])
def test_two_hundred_threads_miss_no_wake_up(pool: ThreadPoolExecutor, max_size: int) -> None:
    processor = Processor()
    queue = batcher(processor, max_size=max_size)
    barrier = threading.Barrier(200)

    def many(first: int) -> list[int]:
        barrier.wait(60)
        return [submit(queue, number) for number in range(first, first + 10)]

    found = [pool.submit(many, first) for first in range(1, 2001, 10)]

    assert [answer for future in found for answer in future.result(60)] == [
        -number for number in range(1, 2001)
    ]
    assert max(map(len, processor.batches)) <= max_size
    processed = sorted(number for batch in processor.batches for number in batch)
    assert processed == list(range(1, 2001)), "each exactly once"
    assert queue.is_idle


def test_batches_form_by_themselves_under_load(pool: ThreadPoolExecutor) -> None:
    sizes: list[int] = []

    def process(commands: list[Negate]) -> None:
        sizes.append(len(commands))
        time.sleep(0.005)
        for command in commands:
            command.outcome.set_result(0)

    queue = batcher(process)
    list(pool.map(lambda number: submit(queue, number), range(200)))

    assert len(sizes) < 100, "far fewer than one each"
