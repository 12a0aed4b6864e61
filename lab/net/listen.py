"""Listening sockets of the lab's servers, on 127.0.0.1 only."""

import socket

from lab.errors import LabError

_BACKLOG = 2048


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 selects a free port.

    Raises:
        LabError: The port is in use, or not permitted.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise LabError(
            f"cannot listen on port {port} ({error.strerror}): choose another with --port."
        ) from None
    listener.listen(_BACKLOG)
    return listener
