"""Serve one application on a socket that is already listening: ``serve APP FD``."""

import os
import socket
import sys
import threading

import uvicorn

from lab.errors import LabError

STACK = "MEMORY_LAB_THREAD_STACK"
"""Bytes of address space for each thread's stack; RLIMIT_DATA counts them whole, used or not."""


def main() -> None:
    """Run uvicorn until it is told to stop."""
    app, fd = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    threading.stack_size(int(os.environ.get(STACK, "0")))
    try:
        serve(app, socket.socket(fileno=int(fd)))
    except LabError as error:
        sys.exit(str(error))


def serve(app: str, listener: socket.socket) -> None:
    """Serve on a socket; a second after a request to stop, streams that stall are cut off.

    Raises:
        LabError: The application does not start; uvicorn has written why.
    """
    config = uvicorn.Config(
        app, log_level="info", access_log=False, timeout_graceful_shutdown=1, loop="asyncio"
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise LabError(f"{app} did not start.")


if __name__ == "__main__":
    main()
