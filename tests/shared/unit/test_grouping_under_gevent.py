"""The booking service runs on gevent, where every lock and event is patched."""

import subprocess
import sys
from pathlib import Path

from tests.shared.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
SCRIPT = """
from gevent import monkey
monkey.patch_all()

import gevent
from shared.grouping import Group

sizes = []

def handle(requests):
    sizes.append(len(requests))
    gevent.sleep(0.001)
    if -1 in requests:
        raise ZeroDivisionError
    return [-request for request in requests]

group = Group(handle, max_size=64, max_wait=60)

def submit(request):
    try:
        return group.submit(request)
    except ZeroDivisionError:
        return "failed"

with gevent.Timeout(60):
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
        timeout=2 * PATIENCE_SECONDS,
    )

    assert answer.stdout.strip() == "passed", answer.stderr
