"""The parent's side of a fork server: start it, send it tasks, read its answers, end it."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.measure.messages import Answer, Task
from lab.measure.workload import Start
from lab.system.interpreter import environment_with_lab, python_module
from lab.system.linux import fixed_addresses

OnStart = Callable[[int], object]

_CHILD = "lab.measure.fork_server"
_FATAL = "Fatal Python error"
_LINES = 8


class ForkServer:
    """A process that forks a fresh child for each task, one task at a time."""

    def __init__(self, start: Start, scratch: Path) -> None:
        receive, send = os.pipe()
        self._answers = receive
        self._selector = selectors.DefaultSelector()
        self._selector.register(receive, selectors.EVENT_READ)
        self._unread = b""
        self._measuring: int | None = None
        self._killed = False
        self._stderr = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by wait()
        try:
            with fixed_addresses():
                self._process = subprocess.Popen(
                    python_module(_CHILD, str(os.getpid()), str(send), _as_json(start)),
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
        answer: Answer | None = None
        elsewhere: dict[str, Any] = {}
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"\n" + task.to_json() + b"\n")
        while True:
            kind, _, rest = self._line(deadline).partition(b" ")
            if kind == b"pid":
                self._measuring = int(rest)
                if on_start is not None:
                    on_start(self._measuring)
            elif kind == b"answer":
                answer = Answer.of_json(rest)
            elif kind == b"elsewhere":
                elsewhere = json.loads(rest)
            else:
                # The task may have left processes running; they are in its group.
                _kill_group(self._measuring)
                self._measuring = None
                # Without a status, the server itself has ended.
                status = int(rest) if kind == b"status" else None
                code = self._process.wait() if status is None else os.waitstatus_to_exitcode(status)
                if answer is None:
                    return self._died(code, task.name)
                return answer.with_elsewhere(elsewhere)

    def _line(self, deadline: float) -> bytes:
        """Return the next line of the server; empty after the last one."""
        while b"\n" not in self._unread:
            if not self._selector.select(max(0, deadline - time.monotonic())):
                self.kill()
                raise TimeoutError
            part = os.read(self._answers, 65_536)
            if not part:
                return b""
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _died(self, code: int, name: str) -> Answer:
        if code < 0:
            end = f"was killed by {signal.Signals(-code).name}"
        else:
            end = f"ended with exit code {code} before it answered"
        hint = " (was there too little memory?)" if code == -signal.SIGKILL else ""
        self._stderr.seek(0)
        output = self._stderr.read().decode(errors="replace").strip()
        return Answer(
            failure=f"the process measuring {name} {end}{hint}.",
            details=_end(output),
            signal=max(0, -code),
        )

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
        os.close(self._answers)


def _end(output: str) -> str:
    """Return the last lines of a process's output, or the first lines of a fatal error's report."""
    _, fatal, report = output.partition(_FATAL)
    lines = (fatal + report or output).splitlines()
    return "\n".join(lines[:_LINES] if fatal else lines[-_LINES:])


def import_path() -> list[str]:
    """Return ``sys.path`` for a child: the current folder comes first, as for `python -m`."""
    return [os.getcwd(), *(entry for entry in sys.path if entry and entry != os.getcwd())]


def _as_json(start: Start) -> str:
    fields = {"preload": start.preload, "warm": start.warm, "arguments": start.arguments}
    return json.dumps({**fields, "path": import_path()})


def _kill_group(leader: int | None) -> None:
    """Kill a measuring process and the processes that it started; it leads its own session."""
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
