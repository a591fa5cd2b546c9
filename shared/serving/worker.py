"""The gunicorn worker of both services."""

import contextlib
import os
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.workers.ggevent import GeventWorker

from shared.observability.draining import draining
from shared.serving import door, reloads, turns
from shared.serving.connection import Connection
from shared.serving.refusals import answer_in_problems, refuse_busy, refuse_connection
from shared.serving.register import Register, TooManyConnections
from shared.serving.settings import Settings
from shared.serving.turns import LATER_AT_ONCE, Line, SlowTurns, Turns

TICK_SECONDS = 0.25
# The rest of an unwanted body is read up to this limit, so that a client that is still sending gets
# the answer and can keep the connection.
_LEFT_PIECE_BYTES = 64 * 1024
_MOST_LEFT_PIECES = 256
_REQUESTS_A_PASS = 16
# Asked by machines that decide whether this process still works, however busy it is.
_WITHOUT_TURN = ("/health", "/metrics")


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    alive: bool
    cfg: Any
    # Set by gunicorn's `post_fork`, before the process begins its work.
    most_per_network: int | None
    drain_seconds: float
    reload: int
    # Whether something else holds the port as well, and gives it to the next process.
    port_stays: bool

    def init_process(self) -> None:
        self._lines = {
            Line.FIRST: Turns(),
            Line.LATER: Turns(number=LATER_AT_ONCE),
            Line.SLOW: SlowTurns(),
        }
        self._ended = Event()
        self._is_draining = False
        self._register = Register(most_per_network=self.most_per_network)
        self.cfg = Settings(self.cfg)
        answer_in_problems()
        super().init_process()

    def run(self) -> None:
        self._watch = gevent.spawn(self._every_tick, self._look_after_connections)
        pool = Pool(self.cfg.worker_connections)
        servers = [
            StreamServer(listener, handle=partial(self.handle, _Address(listener)), spawn=pool)
            for listener in self.sockets
        ]
        for server in servers:
            if self.cfg.workers > 1:
                server.max_accept = 1  # so that others get their share
            server.start()
        while self.alive:
            self.notify()
            self._ended.wait(timeout=1.0)
        if not self.port_stays and not self._is_replaced():
            self._shut_doors()
        for server in servers:
            _close(server)
        end = monotonic() + self.cfg.graceful_timeout
        while not pool.join(timeout=1.0):
            self.notify()
            if monotonic() > end:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                pool.kill(timeout=1.0)
                return

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM."""
        gevent.spawn(self._drain)

    def _drain(self) -> None:
        """Go on for a while, so that balancers and clients notice before connections are closed."""
        if self._is_draining:
            return
        self._is_draining = True
        if not self._is_replaced():
            draining.set()
        self.cfg.keepalive = 0  # each answer from now on is the last of its connection
        self._register.close_after_answers()
        # All workers of a service stop accepting at the same moment.
        gevent.sleep(self.drain_seconds)
        self.alive = False
        self._ended.set()

    def _is_replaced(self) -> bool:
        """The service goes on with other workers, as after SIGHUP."""
        return self.reload != reloads.latest()

    def _shut_doors(self) -> None:
        with contextlib.suppress(OSError):  # not on every system
            for listener in self.sockets:
                door.shut(listener)
            gevent.sleep(door.HANDSHAKE_SECONDS)

    def notify(self) -> None:
        """Called once a second. Unlike gunicorn's own, it does not end the process and its running
        requests when the master is gone: see `_look_after_connections`."""
        from shared.db.pool_metrics import observe_pool

        self.tmp.notify()
        observe_pool()
        if self._watch.ready():
            self._watch.get()  # raises what ended it: the master starts another worker

    def _look_after_connections(self) -> None:
        if self.alive and os.getppid() != self.ppid:
            self.log.warning("The master is gone. Worker ends: %s", self.pid)
            self.alive = False
            draining.set()
        if not self.alive:
            self._ended.set()
            self._register.stop_idle()
        self._register.stop_late()

    @staticmethod
    def _every_tick(work: Callable[[], None]) -> None:
        while True:
            work()
            gevent.sleep(TICK_SECONDS)

    def timeout_ctx(self) -> contextlib.AbstractContextManager[None]:
        """Disables gunicorn's limit for a request and its headers: the register has better ones."""
        return contextlib.nullcontext()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        connection = Connection(client)
        try:
            with self._register.entered(connection, peer=addr):
                super().handle(listener, connection, addr)
        except TooManyConnections:
            refuse_connection(connection)

    def handle_request(self, listener_name: Any, req: Any, sock: Connection, addr: Any) -> None:
        """Called when the headers are complete."""
        if not req.path.startswith(_WITHOUT_TURN) and not sock.take_turn(self._turns_for(req)):
            refuse_busy(sock)
            util.close_graceful(sock)
            raise StopIteration
        sock.begin_answer(req)
        try:
            super().handle_request(listener_name, req, sock, addr)
            sock.complete_answer()
            if not _reads_to_its_end(req.body):
                raise StopIteration
        except StopIteration:
            sock.complete_answer()
            # The last answer. If the connection were closed with some of the request unread, the
            # kernel would reset it, and the answer could be lost.
            util.close_graceful(sock)
            raise
        finally:
            sock.end_turn()
        sock.end_request()
        if self.nr % _REQUESTS_A_PASS == 0:
            # We never have to wait for a peer that sends requests and reads answers faster than
            # they are made, so no other connection would get a turn.
            gevent.sleep(0)

    def _turns_for(self, req: Any) -> Turns:
        return self._lines[turns.line_of(req.method, req.path, req.headers)]

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        client.drop_answer()
        super().handle_error(req, client, addr, exc)
        util.close_graceful(client)


class _Address:
    """What gunicorn asks of the listener for each connection, also when that has been closed."""

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        return self._name


def _close(server: Any) -> None:
    """Connections that the kernel has already made would be reset: they are accepted first."""
    server.stop_accepting()
    with contextlib.suppress(OSError):
        while accepted := server.do_read():
            server.do_handle(*accepted)
    server.close()


def _reads_to_its_end(body: Any) -> bool:
    for _ in range(_MOST_LEFT_PIECES):
        if len(body.read(_LEFT_PIECE_BYTES)) < _LEFT_PIECE_BYTES:
            return True
        gevent.sleep(0)
    return False
