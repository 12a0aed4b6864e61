"""Real servers: uvicorn in a process of its own, on 127.0.0.1, ended with the block."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psutil

from lab.errors import LabError
from lab.interpreter import environment_with_lab, python_module
from lab.linux import sent_when_parent_ends, status
from lab.sockets import listening

START = 30.0
"""Seconds that an application may take to start."""

_STOP = 5.0
"""Seconds that a server may take to end: its streams may be stalled."""


@dataclass(frozen=True)
class Server:
    """A server that is up.

    Attributes:
        url: Where it listens, as ``http://127.0.0.1:PORT``.
        port: The port.
        process: Its process; it may end before the block does, if something kills it.
        log: What it has written so far.
    """

    url: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: IO[bytes]

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    def written(self) -> str:
        """Return what the server has written to its output and its error stream."""
        fd = self.log.fileno()
        return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")


@contextmanager
def running(
    app: str, environment: dict[str, str] | None = None, python: str = sys.executable
) -> Iterator[Server]:
    """Serve an application from a fresh process until the block ends.

    Args:
        app: ``package.module:app``, importable from the current folder.
        environment: Variables to set for it.
        python: The interpreter to run it with.

    Raises:
        LabError: It does not start; the end of what it wrote is among the details.
    """
    with listening() as listener, TemporaryFile() as log:
        port = int(listener.getsockname()[1])
        command = [python, *python_module("lab.serve", app, str(listener.fileno()))[1:]]
        process = subprocess.Popen(
            command,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment_with_lab(**(environment or {})),
            preexec_fn=sent_when_parent_ends(signal.SIGKILL),  # noqa: PLW1509 - one prctl
        )
        # The server alone listens: when it dies, clients are refused and do not wait.
        listener.close()
        server = Server(f"http://127.0.0.1:{port}", port, process, log)
        try:
            _wait_until_up(server, app)
            yield server
        finally:
            stop(process, _STOP)


def _wait_until_up(server: Server, app: str) -> None:
    """Wait for the line by which `lab.serve` says that the application has started."""
    deadline = time.monotonic() + START
    while "Application startup complete" not in server.written():
        if not server.lives or time.monotonic() > deadline:
            how = "did not start" if not server.lives else f"was not up within {START:.0f} s"
            said = server.written().strip()
            last = said.splitlines()[-1] if said else "it wrote nothing"
            raise LabError(f"the server of {app} {how}: {last}", details=said[-4_000:])
        time.sleep(0.02)


def stop(process: "subprocess.Popen[bytes]", within: float) -> None:
    """Ask a process of ours to stop, and end it when it has not in so many seconds."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def reset_high_water_mark(pid: int) -> int:
    """Start a new high-water mark for a process and return its resident set in bytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status("VmRSS", pid)


def established(process: psutil.Process) -> list[object]:
    """List the TCP connections that clients have to a process; not those that it has to others."""
    found = process.net_connections("tcp")
    ports = {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}
    return [
        one for one in found if one.status == psutil.CONN_ESTABLISHED and one.laddr.port in ports
    ]


def descriptors(pid: int) -> list[str]:
    """Return what a process has open: paths, sockets and pipes."""
    folder = Path(f"/proc/{pid}/fd")
    found = []
    for entry in folder.iterdir():
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue
    return found
