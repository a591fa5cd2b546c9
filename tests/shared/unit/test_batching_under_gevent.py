"""The booking service runs on gevent, where every lock and event is patched."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPT = """
from gevent import monkey
monkey.patch_all()

import gevent
from dataclasses import dataclass, field
from shared.concurrency.batching import Batcher, Outcome

sizes = []

@dataclass(frozen=True, eq=False)
class Negate:
    number: int
    outcome: Outcome = field(default_factory=Outcome)

class TryAgain(Exception):
    pass

def process(commands):
    sizes.append(len(commands))
    gevent.sleep(0.001)
    if -1 in [command.number for command in commands]:
        raise ZeroDivisionError
    for command in commands:
        command.outcome.set_result(-command.number)

batcher = Batcher(process, max_size=64, failure=lambda error: TryAgain())

def submit(number):
    command = Negate(number)
    batcher.add(command)
    try:
        return command.outcome.result(max_wait=60)
    except TryAgain:
        return "failed"

with gevent.Timeout(20):
    jobs = [gevent.spawn(submit, number) for number in range(1, 2001)]
    gevent.joinall(jobs)
    assert [job.value for job in jobs] == [-number for number in range(1, 2001)]
    assert max(sizes) == 64, max(sizes)
    assert sum(sizes) == 2000

    jobs = [gevent.spawn(submit, number) for number in (5, -1, 6, 7)]
    gevent.joinall(jobs)
    assert [job.value for job in jobs] == [-5, "failed", "failed", "failed"]
    assert submit(8) == -8
print("passed")
"""


def test_two_thousand_greenlets_are_all_answered_in_full_groups() -> None:
    answer = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert answer.stdout.strip() == "passed", answer.stderr
