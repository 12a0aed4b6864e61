"""Run uvicorn or gunicorn with workers, as an operator does, and measure their memory.

**RSS** counts a page once in every process that maps it. **PSS** divides a shared page by the
number of processes that map it, so that the sum over processes is what the machine or a container
uses. The kernel keeps a high watermark of RSS only; PSS is sampled.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO

import psutil

from lab.errors import LabError
from lab.net.listen import listening
from lab.net.server import START, reset_high_water_mark
from lab.system.interpreter import environment_with_lab
from lab.system.linux import set_parent_death_signal, status

APP = "lab.web.app:app"
_EVERY = 0.02
_STOP = 10.0
_SEND_BUFFER = 16_384


@dataclass(frozen=True)
class Setting:
    """How a server is started.

    Attributes:
        server: ``uvicorn`` or ``gunicorn``.
        workers: Number of worker processes.
        options: Further command-line arguments.
        environment: Environment variables to set.
        app: ``package.module:app``.
        own_socket: Whether the server opens its own socket. Otherwise it inherits one whose
            connections have a small send buffer, as on a real network; on loopback the default
            buffer would take megabytes of an answer from the server. The inherited socket stays
            open until the process has ended.
    """

    server: str = "uvicorn"
    workers: int = 1
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    app: str = APP
    own_socket: bool = False

    def command(self, port: int, fd: int) -> list[str]:
        """Return the command line of a server on a port, or on a listening socket's descriptor."""
        workers = ["--workers", str(self.workers)]
        if self.server == "gunicorn":
            address = f"127.0.0.1:{port}" if self.own_socket else f"fd://{fd}"
            binding = ["--bind", address, "--worker-class", "uvicorn_worker.UvicornWorker"]
        elif self.own_socket:
            binding = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        else:
            binding = ["--fd", str(fd), "--no-access-log"]
        command = [sys.executable, "-P", "-m", self.server, self.app]
        return [*command, *binding, *workers, *self.options]


@dataclass(frozen=True)
class Running:
    """A running server.

    Attributes:
        port: Its port on 127.0.0.1.
        process: The process that was started; with workers, their supervisor.
        log: Its output.
    """

    port: int
    process: "subprocess.Popen[bytes]"
    log: IO[bytes]

    def written(self) -> str:
        """Return the server's output so far."""
        fd = self.log.fileno()
        return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")

    def started(self) -> list[int]:
        """Return the pids of all workers so far, in the order of their start."""
        return [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", self.written())]

    def workers(self) -> list[int]:
        """Return the pids of the workers that still run."""
        return [pid for pid in self.started() if of_worker("VmRSS", pid)]

    def processes(self) -> list[int]:
        """Return the pids of all processes, the supervisor included."""
        with suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [self.process.pid, *(child.pid for child in children)]
        return []


@contextmanager
def serving(setting: Setting) -> Iterator[Running]:
    """Run a server until the block ends.

    Raises:
        LabError: The server does not start.
    """
    with listening() as listener, TemporaryFile() as log:
        # Connections inherit the buffer.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        port, fd = int(listener.getsockname()[1]), listener.fileno()
        if setting.own_socket:
            listener.close()
        process = subprocess.Popen(
            setting.command(port, fd),
            pass_fds=() if setting.own_socket else (fd,),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment_with_lab(**setting.environment),
            start_new_session=True,
            preexec_fn=set_parent_death_signal(signal.SIGTERM),  # noqa: PLW1509 - one prctl
        )
        running = Running(port, process, log)
        listener.close()  # only the server listens: after its end connections are refused
        try:
            _wait_until_up(running, setting)
            yield running
        finally:
            _stop(running)


def _wait_until_up(running: Running, setting: Setting) -> None:
    deadline = time.monotonic() + START
    while running.written().count("Application startup complete") < setting.workers:
        if running.process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"{setting.server} did not start.", details=running.written()[-4_000:])
        time.sleep(0.02)


def _stop(running: Running) -> None:
    """Terminate the server, then kill its remaining processes, whose streams may be stalled."""
    processes = [psutil.Process(pid) for pid in running.processes()]
    running.process.terminate()
    _, left = psutil.wait_procs(processes, _STOP)
    for process in left:
        process.kill()
    running.process.wait()
    psutil.wait_procs(left, _STOP)


@dataclass
class ServerMemory:
    """The memory of a server during a block, in bytes.

    Attributes:
        idle: Resident set of each worker before the block.
        peaks: High watermark of each worker, in the same order; 0 if it has ended.
        rss: Highest sum of the resident sets of all processes at one moment, sampled.
        pss: Highest sum of their PSS, sampled.
        virtual: Largest address space of a worker since its start.
    """

    idle: list[int] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    rss: int = 0
    pss: int = 0
    virtual: int = 0


@contextmanager
def watched(running: Running) -> Iterator[ServerMemory]:
    """Measure a server's memory until the block ends."""
    memory, over = ServerMemory(), Event()
    workers = running.workers()
    memory.idle = [reset_high_water_mark(pid) for pid in workers]
    sampler = Thread(target=_sample, args=(running, memory, over))
    sampler.start()
    try:
        yield memory
    finally:
        over.set()
        sampler.join()
        memory.peaks = [of_worker("VmHWM", pid) for pid in workers]
        memory.virtual = max(of_worker("VmPeak", pid) for pid in workers)


def _sample(running: Running, memory: ServerMemory, over: Event) -> None:
    while True:
        amounts = [rollup(pid) for pid in running.processes()]
        memory.rss = max(memory.rss, sum(rss for rss, _ in amounts))
        memory.pss = max(memory.pss, sum(pss for _, pss in amounts))
        if over.wait(_EVERY):
            return


def rollup(pid: int) -> tuple[int, int]:
    """Return a process's RSS and PSS in bytes; 0 and 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0, 0
    amounts = dict(re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE))
    return int(amounts.get("Rss", 0)) * 1024, int(amounts.get("Pss", 0)) * 1024


def of_worker(name: str, pid: int) -> int:
    """Return a field of a process's status in bytes; 0 if it has ended."""
    try:
        return status(name, pid)
    except OSError:
        return 0
