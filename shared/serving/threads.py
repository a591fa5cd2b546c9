"""The worker of the event service."""

from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from shared.serving.patience import Arrivals
from shared.serving.refusals import answer_in_problems


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def init_process(self) -> None:
        self._arrivals = Arrivals()
        answer_in_problems()
        super().init_process()

    def notify(self) -> None:
        """Called at least once a second."""
        super().notify()
        self._arrivals.cut_off_late()

    def handle(self, conn: Any) -> Any:
        """One request, from its first byte to the answer's last."""
        with self._arrivals.awaited(conn.sock):
            return super().handle(conn)
