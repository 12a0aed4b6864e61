"""Serve an application on a socket that already listens.

Run as ``python -m lab.net.uvicorn_process APP FD``.
"""

import os
import socket
import sys
import threading

import uvicorn

from lab.errors import LabError

STACK = "MEMORY_LAB_THREAD_STACK"
"""Environment variable: bytes for the stack of each thread; RLIMIT_DATA counts all of them."""


def main() -> None:
    """Run uvicorn until it gets SIGTERM or SIGINT."""
    app, fd = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    threading.stack_size(int(os.environ.get(STACK, "0")))
    try:
        run_uvicorn(app, socket.socket(fileno=int(fd)))
    except LabError as error:
        sys.exit(str(error))


def run_uvicorn(app: str, listener: socket.socket) -> None:
    """Serve on a socket; on shutdown, open streams get one second to end.

    Raises:
        LabError: The application does not start; uvicorn has logged the reason.
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
