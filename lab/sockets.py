"""Where servers of the lab listen: on 127.0.0.1, and nowhere else."""

import socket

from lab.errors import LabError

_BACKLOG = 2048


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 takes a free one.

    Raises:
        LabError: The port is taken, or may not be used.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise LabError(
            f"port {port} cannot be listened on ({error.strerror}): choose another with --port."
        ) from None
    listener.listen(_BACKLOG)
    return listener
