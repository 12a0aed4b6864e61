"""Serve an application on a socket that already listens.

Run as ``python -m lab.net.uvicorn_process APP FD``.
"""

import os
import socket
import sys
import threading

from lab.errors import LabError
from lab.net.server_log import READY, ServerLog
from lab.net.uvicorn_server import ApplicationServer

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
        print(error.details, error, sep="\n", file=sys.stderr)
        sys.exit(LabError.exit_code)


def run_uvicorn(app: str, listener: socket.socket) -> None:
    """Serve on a socket; on shutdown, open streams get one second to end.

    Raises:
        LabError: The application cannot be imported or made, or does not start.
    """
    server = ApplicationServer(
        app,
        ServerLog(printed=False),
        on_start=lambda: print(READY, file=sys.stderr, flush=True),
        log_level="info",
    )
    server.run(sockets=[listener])
    if not server.started:
        raise server.not_started("uvicorn logged no error")


if __name__ == "__main__":
    main()
