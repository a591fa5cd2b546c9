"""Tells systemd that the worker's loop runs, if its unit has a `WatchdogSec`."""

import os
import socket


def feed() -> None:
    """Raises `OSError` if systemd can't be told."""
    # Both are systemd's: without a limit it expects nothing.
    path = os.environ.get("NOTIFY_SOCKET")
    if not path or "WATCHDOG_USEC" not in os.environ:
        return
    if path.startswith("@"):  # a name outside the file system
        path = f"\0{path[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as supervisor:
        supervisor.sendto(b"WATCHDOG=1", path)
