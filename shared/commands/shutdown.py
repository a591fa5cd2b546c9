"""How long-running commands are told to stop."""

import signal
import threading
from collections.abc import Callable


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Have SIGTERM and SIGINT call `stop` in a separate thread: when the signal interrupts the main
    thread, that may hold the very lock that `stop` needs."""
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: threading.Thread(target=stop).start())
