"""The parent's side of a fork server: start it, send it tasks, read the answers, end it."""

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.measure.messages import Answer, Task, printable
from lab.measure.watcher import descendants
from lab.measure.workload import Start
from lab.system.interpreter import environment_with_lab, python_module
from lab.system.linux import fixed_addresses

OnStart = Callable[[int], object]

_CHILD = "lab.measure.fork_server"
_FATAL = "Fatal Python error"
_LINES = 8

_LONGEST_LINE = 65_536
"""Bytes; the lines of a server are shorter."""

_READ_OUTPUT = 200_000
"""Last bytes that are read of a process's output."""


class ForkServer:
    """A process that forks a fresh child for each task, one task at a time."""

    def __init__(self, start: Start, scratch: Path) -> None:
        receive, send = os.pipe()
        self._pipe = receive
        self._selector = selectors.DefaultSelector()
        self._selector.register(receive, selectors.EVENT_READ)
        self._unread = b""
        self._token, self._scratch = secrets.token_hex(), str(scratch)
        self._measuring: int | None = None
        self._killed = False
        self._stderr = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by wait()
        try:
            with fixed_addresses():
                self._process = subprocess.Popen(
                    python_module(_CHILD, str(os.getpid()), str(send), self._as_json(start)),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=self._stderr,
                    pass_fds=(send,),
                    start_new_session=True,
                    env=environment_with_lab(PYTHONHASHSEED="0"),
                    bufsize=0,
                )
        finally:
            os.close(send)

    def measure(self, task: Task, timeout: float, on_start: OnStart | None = None) -> Answer:
        """Run one task in a fresh process and return its answer.

        Args:
            task: What to run.
            timeout: Seconds.
            on_start: Called with the pid of the process, which leads its own process group.

        Raises:
            TimeoutError: It took longer; this server has been killed.
        """
        deadline = time.monotonic() + timeout
        self._stderr.seek(0)
        self._stderr.truncate()
        elsewhere: dict[str, Any] = {}
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"\n" + task.to_json() + b"\n")
        while True:
            line = self._line(deadline)
            if line is not None and not line.startswith(self._token.encode()):
                self.kill()
                return Answer(
                    failure=f"the import of {task.name} wrote into a pipe of the lab: let it close "
                    "or write only files that it has opened."
                )
            _, kind, rest = (line or b"- ended -").split(b" ", 2)
            if kind == b"pid":
                self._measuring = int(rest)
                if on_start is not None:
                    on_start(self._measuring)
                continue
            if kind == b"elsewhere":
                elsewhere = json.loads(rest)
                continue
            # The task may have left processes running in its group; the server ends all others.
            _kill_group(self._measuring)
            self._measuring = None
            statuses = [int(word) for word in rest.split()] if kind == b"status" else []
            code = os.waitstatus_to_exitcode(statuses[0]) if statuses else self._exit_code(deadline)
            if (answer := Answer.of_task(task)) is None:
                return self._died(code, task.name)
            if any(statuses[1:]):
                return self._failed(
                    f"the process that watched {task.name} ended before it, so memory outside of "
                    "it was not seen: let it end only processes that it has started."
                )
            return answer.with_elsewhere(elsewhere)

    def _exit_code(self, deadline: float) -> int:
        """Return the exit code of the server, which has closed its pipe."""
        try:
            return self._process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError from None

    def _line(self, deadline: float) -> bytes | None:
        """Return the next line of the server, or the start of a long one; None after the last."""
        while b"\n" not in self._unread and len(self._unread) <= _LONGEST_LINE:
            if not self._selector.select(max(0, deadline - time.monotonic())):
                self.kill()
                raise TimeoutError
            part = os.read(self._pipe, 65_536)
            if not part:
                return None
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _died(self, code: int, name: str) -> Answer:
        if code < 0:
            end = f"was killed by {_signal_name(-code)}"
        else:
            end = f"ended with exit code {code} before it answered"
        hint = " (was there too little memory?)" if code == -signal.SIGKILL else ""
        return self._failed(f"the process measuring {name} {end}{hint}.", max(0, -code))

    def _failed(self, failure: str, signal: int = 0) -> Answer:
        """Return a failure with the end of what the processes wrote."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _READ_OUTPUT))
        output = printable(self._stderr.read().decode(errors="replace")).strip()
        return Answer(failure=failure, details=_end(output), signal=signal)

    def _as_json(self, start: Start) -> str:
        fields = {"preload": start.preload, "warm": start.warm, "arguments": start.arguments}
        fields |= {"token": self._token, "scratch": self._scratch}
        return json.dumps({**fields, "path": import_path()})

    @property
    def alive(self) -> bool:
        """Whether the server can take another task."""
        return not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """Kill the server and the process that is measuring."""
        _kill_group(self._measuring)
        self._measuring = None
        if self.alive:
            self._killed = True
            self._process.kill()

    def wait(self) -> None:
        """Wait until the killed server has ended, and close its files."""
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._stderr.close()
        self._selector.close()
        os.close(self._pipe)


def _end(output: str) -> str:
    """Return the last lines of a process's output, or the first lines of a fatal error's report."""
    _, fatal, report = output.partition(_FATAL)
    lines = (fatal + report or output).splitlines()
    return "\n".join(lines[:_LINES] if fatal else lines[-_LINES:])


def import_path() -> list[str]:
    """Return ``sys.path`` for a child: the current folder comes first, as for `python -m`."""
    return [os.getcwd(), *(entry for entry in sys.path if entry and entry != os.getcwd())]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # Python has no names for real-time signals
        return f"signal {number}"


def _kill_group(leader: int | None) -> None:
    """Kill a measuring process and the processes that it started; it leads its own session."""
    if leader is not None:
        others = [*descendants(leader)]  # some may have a session of their own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        for pid in others:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
