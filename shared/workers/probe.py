"""`python -m shared.workers.probe SERVICE WORKER`: what `check_worker` says, without Django.

For containers, which ask every few seconds. Exit status 0: the worker does its work; 1: it doesn't.
"""

import os
import sys
from pathlib import Path

from shared.workers.check import check
from shared.workers.heartbeat import default_folder, full_name


def main(arguments: list[str]) -> int:
    service, worker = arguments
    folder = Path(os.environ.get("WORKER_STATE_DIR") or default_folder())
    health = check(folder, full_name(service, worker))
    sys.stdout.write(f"{health.sentence}\n")
    return 0 if health.healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
