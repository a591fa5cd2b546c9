"""The worker of the booking service."""

from typing import Any

from gunicorn import util
from gunicorn.workers.ggevent import GeventWorker

from shared.serving.patience import Arrivals
from shared.serving.refusals import answer_in_problems


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    def init_process(self) -> None:
        self._arrivals = Arrivals()
        answer_in_problems()
        super().init_process()

    def notify(self) -> None:
        """Called once a second."""
        super().notify()
        self._arrivals.cut_off_late()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """From the end of the headers on. Those are waited for no longer than keep-alive says."""
        try:
            with self._arrivals.awaited(sock):
                super().handle_request(listener_name, req, sock, addr)
        except StopIteration:
            # The last answer. Closed with some of the request unread, the kernel would reset the
            # connection, and the answer could be lost.
            util.close_graceful(sock)
            raise

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        super().handle_error(req, client, addr, exc)
        util.close_graceful(client)
