"""Run uvicorn servers in child processes on 127.0.0.1, and read their memory and connections."""

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
from lab.net.application import parse_path
from lab.net.listen import listening
from lab.net.server_log import READY
from lab.system.interpreter import environment_with_lab, python_module
from lab.system.linux import set_parent_death_signal, status

START = 30.0
"""Maximum seconds for an application to start."""

_STOP = 5.0
"""Maximum seconds for a server to stop before it is killed; its streams may be stalled."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: ``http://127.0.0.1:PORT``.
        port: The port.
        process: The process of the server, which something may kill before the block ends.
        log: File with its standard output and standard error.
    """

    url: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: IO[bytes]

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def written(self) -> str:
        """Return the output of the server so far: standard output and standard error."""
        fd = self.log.fileno()
        return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")


@contextmanager
def running(
    app: str, environment: dict[str, str] | None = None, python: str = sys.executable
) -> Iterator[Server]:
    """Serve an application from a new process until the block ends.

    Args:
        app: The application, as `lab.net.application.parse_path` describes it, importable from the
            current folder.
        environment: Additional environment variables of the server.
        python: Path of its Python interpreter.

    Raises:
        LabError: The server does not start; the details contain the end of its output.
    """
    parse_path(app)
    with listening() as listener, TemporaryFile() as log:
        port = int(listener.getsockname()[1])
        command = [
            python,
            *python_module("lab.net.uvicorn_process", app, str(listener.fileno()))[1:],
        ]
        process = subprocess.Popen(
            command,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment_with_lab(**(environment or {})),
            preexec_fn=set_parent_death_signal(signal.SIGKILL),  # noqa: PLW1509 - one prctl
        )
        # Only the server may hold the socket, so that clients of a dead server are refused.
        listener.close()
        server = Server(f"http://127.0.0.1:{port}", port, process, log)
        try:
            _wait_until_up(server, app)
            yield server
        finally:
            stop(process, _STOP)


def _wait_until_up(server: Server, app: str) -> None:
    """Wait until `lab.net.uvicorn_process` says that the application answers."""
    deadline = time.monotonic() + START
    while READY not in server.written():
        if not server.lives or time.monotonic() > deadline:
            raise _not_started(server, app)
        time.sleep(0.02)


def _not_started(server: Server, app: str) -> LabError:
    alive = server.lives
    output = server.written().strip()
    *before, last = output.splitlines() or ["it printed nothing"]
    if server.process.returncode == LabError.exit_code:
        return LabError(last, details="\n".join(before)[-4_000:])
    how = f"was not ready within {START:.0f} s" if alive else "did not start"
    return LabError(f"the server of {app} {how}: {last}", details=output[-4_000:])


def stop(process: "subprocess.Popen[bytes]", within: float) -> None:
    """Terminate a child process; kill it if it still runs after ``within`` seconds."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def reset_high_water_mark(pid: int) -> int:
    """Reset the high watermark of a process; return its resident set in bytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status("VmRSS", pid)


def established(process: psutil.Process) -> list[object]:
    """Return the TCP connections of clients to a process, without its own outgoing ones."""
    sockets = process.net_connections("tcp")
    ports = {sock.laddr.port for sock in sockets if sock.status == psutil.CONN_LISTEN}
    return [
        sock
        for sock in sockets
        if sock.status == psutil.CONN_ESTABLISHED and sock.laddr.port in ports
    ]


def descriptors(pid: int) -> list[str]:
    """Return the targets of a process's open descriptors: paths, sockets and pipes."""
    folder = Path(f"/proc/{pid}/fd")
    targets = []
    for entry in folder.iterdir():
        try:
            targets.append(os.readlink(entry))
        except OSError:  # closed meanwhile
            continue
    return targets
