"""Closing a port without losing anybody.

Between a server's last accept and its close, a client may connect and send a request. The kernel
then resets that connection, and nobody knows whether the request was carried out. A proxy that
can't know when a server closes, such as nginx, connects until the end.
"""

import ctypes
import socket
import struct
from typing import Any

# Until handshakes that have begun are complete, over a network as well. A client that knocks
# meanwhile repeats that after a second, and is then told that the port is closed.
HANDSHAKE_SECONDS = 0.05

_SO_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("HBBI")
_DROP, _KEEP = 0, 0xFFFFFFFF
# On each packet for the port, from its TCP header on: drop what begins a connection.
_PROGRAM = [
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x45, 0, 1, 0x02),  # if SYN is not set, leave out the next instruction
    (0x06, 0, 0, _DROP),
    (0x06, 0, 0, _KEEP),
]


def shut(listener: Any) -> None:
    """From now on, no connection to this port begins. Those that exist aren't affected.

    This is for all processes that have the port, for good. Raises `OSError` where it isn't Linux.
    """
    program = b"".join(_INSTRUCTION.pack(*each) for each in _PROGRAM)
    memory = ctypes.create_string_buffer(program, len(program))
    option = struct.pack("HP", len(_PROGRAM), ctypes.addressof(memory))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)
