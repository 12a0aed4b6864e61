"""Servers as an operator starts them, uvicorn or gunicorn with workers, and what they hold.

**RSS** counts a page once for every process that has it. **PSS** divides a shared page by the
processes that share it, so that the sum over several is what the machine, or a container, holds.
The kernel keeps a high-water mark of the former alone; the latter is sampled.
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
from lab.interpreter import environment_with_lab
from lab.linux import sent_when_parent_ends, status
from lab.server import START, reset_high_water_mark
from lab.sockets import listening

APP = "lab.web.app:app"
_EVERY = 0.02
_STOP = 10.0
_SEND_BUFFER = 16_384


@dataclass(frozen=True)
class Setting:
    """How a server is started.

    Attributes:
        server: ``uvicorn`` or ``gunicorn``.
        workers: How many processes serve.
        options: More words of the command line.
        environment: Variables to set.
        app: What is served.
        own_socket: Whether it opens its socket itself. Else it is given one, whose connections have
            a small send buffer: loopback's would take megabytes of an answer off its hands, and no
            other network does. That one is open until the process has ended.
    """

    server: str = "uvicorn"
    workers: int = 1
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    app: str = APP
    own_socket: bool = False

    def command(self, port: int, fd: int) -> list[str]:
        """Return the command line of a server on a port, or on a socket that listens already."""
        workers = ["--workers", str(self.workers)]
        if self.server == "gunicorn":
            address = f"127.0.0.1:{port}" if self.own_socket else f"fd://{fd}"
            where = ["--bind", address, "--worker-class", "uvicorn_worker.UvicornWorker"]
        elif self.own_socket:
            where = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        else:
            where = ["--fd", str(fd), "--no-access-log"]
        return [sys.executable, "-P", "-m", self.server, self.app, *where, *workers, *self.options]


@dataclass(frozen=True)
class Running:
    """A server that is up: its port, the process that was started, and what it has written."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: IO[bytes]

    def written(self) -> str:
        """Return what the server has written so far."""
        fd = self.log.fileno()
        return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")

    def started(self) -> list[int]:
        """Return every process that has served, in the order in which they came up."""
        return [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", self.written())]

    def workers(self) -> list[int]:
        """Return the processes that serve now."""
        return [pid for pid in self.started() if of_worker("VmRSS", pid)]

    def processes(self) -> list[int]:
        """Return those, and what looks after them."""
        with suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [self.process.pid, *(child.pid for child in children)]
        return []


@contextmanager
def serving(setting: Setting) -> Iterator[Running]:
    """Run a server until the block ends.

    Raises:
        LabError: It does not start.
    """
    with listening() as listener, TemporaryFile() as log:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)  # and inherited
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
            preexec_fn=sent_when_parent_ends(signal.SIGTERM),  # noqa: PLW1509 - one prctl
        )
        running = Running(port, process, log)
        listener.close()  # the server alone listens, so that its end is a refusal
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
    """Ask the server to stop; end what is left of its processes, whose streams may be stalled."""
    ours = [psutil.Process(pid) for pid in running.processes()]
    running.process.terminate()
    _, left = psutil.wait_procs(ours, _STOP)
    for process in left:
        process.kill()
    running.process.wait()
    psutil.wait_procs(left, _STOP)


@dataclass
class Watched:
    """What was seen of a server's memory while something went on; all in bytes.

    Attributes:
        idle: Resident set of each worker before.
        peaks: High-water mark of each worker, in the same order; 0 where it has ended.
        rss: The most that all processes of the server had resident at one moment, sampled.
        pss: The same with shared pages counted once.
        virtual: The most addresses that a worker had, ever.
    """

    idle: list[int] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    rss: int = 0
    pss: int = 0
    virtual: int = 0


@contextmanager
def watched(running: Running) -> Iterator[Watched]:
    """Watch a server's memory until the block ends."""
    seen, over = Watched(), Event()
    workers = running.workers()
    seen.idle = [reset_high_water_mark(pid) for pid in workers]
    sampler = Thread(target=_sample, args=(running, seen, over))
    sampler.start()
    try:
        yield seen
    finally:
        over.set()
        sampler.join()
        seen.peaks = [of_worker("VmHWM", pid) for pid in workers]
        seen.virtual = max(of_worker("VmPeak", pid) for pid in workers)


def _sample(running: Running, seen: Watched, over: Event) -> None:
    while True:
        held = [rollup(pid) for pid in running.processes()]
        seen.rss = max(seen.rss, sum(rss for rss, _ in held))
        seen.pss = max(seen.pss, sum(pss for _, pss in held))
        if over.wait(_EVERY):
            return


def rollup(pid: int) -> tuple[int, int]:
    """Return a process's RSS and PSS in bytes; nothing of one that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0, 0
    amounts = dict(re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE))
    return int(amounts.get("Rss", 0)) * 1024, int(amounts.get("Pss", 0)) * 1024


def of_worker(name: str, pid: int) -> int:
    """Return a field of a process's status in bytes; 0 of one that has ended."""
    try:
        return status(name, pid)
    except OSError:
        return 0
