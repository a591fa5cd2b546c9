"""Workers give way to the APIs where both want the same cores."""

import os


def give_way(*, nice: int) -> None:
    """Lower the priority of this thread, and of threads that it starts, to that nice value.

    A process that was started with a higher one keeps it: only root may go back.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
