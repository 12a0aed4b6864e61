"""Fresh processes from the parent's side: have one measure, wait for it, leave none behind."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.interpreter import environment_with_lab, python_module
from lab.linux import fixed_addresses
from lab.measure import progress
from lab.measure.cap import PROGRESS, Fate, Survival
from lab.measure.curve import Reading, Witness
from lab.measure.sites import Site
from lab.measure.workload import Start, Workload

OnStart = Callable[[int], object]

_CHILD = "lab.measure.child"
_MOST_IDLE = 4
_FATAL = "Fatal Python error"
_LINES = 8


class Processes:
    """The measuring processes of one run; leaving the block ends them and removes their files."""

    def __init__(self) -> None:
        self._all: list[_Template] = []
        self._idle: dict[Start, list[_Template]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> "Processes":
        self._scratch = tempfile.TemporaryDirectory(prefix="memory-lab-")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        for template in self._all:
            template.wait()
        self._scratch.cleanup()

    def close(self) -> None:
        """End every process now; readings under way fail."""
        with self._lock:
            self._closed = True
            for template in self._all:
                template.kill()

    def read(
        self,
        workload: Workload,
        witness: Witness,
        timeout: float,
        on_start: OnStart | None = None,
    ) -> Reading:
        """Measure a workload in a fresh process.

        Args:
            workload: What to run.
            witness: How to look at it.
            timeout: Seconds after which the process is ended; the reading then says so.
            on_start: Called with the number of the process, which leads a group of its own.

        Raises:
            LabError: The workload could not be opened, raised, or its process died.
        """
        start = time.perf_counter()
        with self._folder() as folder:
            try:
                answer = self._ask(workload, {"witness": witness}, folder, timeout, on_start)
            except TimeoutError:
                return Reading(error=f"not finished after {timeout:g} s")
        if "failed" in answer:
            raise LabError(answer["failed"], answer["details"])
        reading = answer["reading"]
        reading["series"] = tuple(map(tuple, reading["series"]))
        reading["sites"] = tuple(Site(**site) for site in reading["sites"])
        reading["overhead"] = time.perf_counter() - start - answer["took"]
        return Reading(**reading)

    def survive(
        self, workload: Workload, cap: int, timeout: float, on_start: OnStart | None = None
    ) -> Survival:
        """Run a workload in a fresh process that may take so many bytes more than it is warm with.

        Raises:
            LabError: The workload could not be opened, or raised what a lack of memory does not.
        """
        start = time.perf_counter()
        with self._folder() as folder:
            outcome: Fate
            digest = ""
            try:
                answer = self._ask(workload, {"cap": cap}, folder, timeout, on_start)
            except TimeoutError:
                outcome, reason = "timed out", f"not finished after {timeout:g} s"
            else:
                if "signal" in answer:
                    outcome, reason = "killed", answer["failed"]
                elif "failed" in answer:
                    raise LabError(answer["failed"], answer["details"])
                else:
                    outcome, reason = answer["outcome"], answer["reason"]
                    digest = answer.get("digest", "")
            reached = progress.read(Path(folder, PROGRESS))
        return Survival(outcome, reached, time.perf_counter() - start, reason, digest)

    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(dir=self._scratch.name)

    def _ask(
        self,
        workload: Workload,
        how: dict[str, Any],
        folder: str,
        timeout: float,
        on_start: OnStart | None,
    ) -> dict[str, Any]:
        template = self._take(workload.start)
        try:
            job = _job(workload, how, folder)
            return template.measure(job, workload, timeout, on_start)
        finally:
            self._give_back(template, workload.start)

    def _take(self, start: Start) -> "_Template":
        with self._lock:
            if self._closed:
                raise LabError("the measurement was stopped.")
            idle = self._idle.get(start)
            if idle:
                return idle.pop()
            self._make_room()
            template = _Template(start, Path(self._scratch.name))
            self._all.append(template)
            return template

    def _give_back(self, template: "_Template", start: Start) -> None:
        with self._lock:
            if self._closed:
                return
            if template.alive:
                self._idle.setdefault(start, []).append(template)
            else:
                self._let_go(template)

    def _make_room(self) -> None:
        """End the template that has been idle the longest, where there are many of other kinds."""
        waiting = [template for idle in self._idle.values() for template in idle]
        if len(waiting) >= _MOST_IDLE:
            for idle in self._idle.values():
                if waiting[0] in idle:
                    idle.remove(waiting[0])
            self._let_go(waiting[0])

    def _let_go(self, template: "_Template") -> None:
        template.kill()
        template.wait()
        self._all.remove(template)


class _Template:
    """A process that forks a fresh one for each job, one job at a time."""

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

    def measure(
        self,
        job: dict[str, Any],
        workload: Workload,
        timeout: float,
        on_start: OnStart | None = None,
    ) -> dict[str, Any]:
        """Have one job done; return its reading, or what it failed of.

        Raises:
            TimeoutError: It took too long; the template is of no use any more.
        """
        deadline = time.monotonic() + timeout
        self._stderr.seek(0)
        self._stderr.truncate()
        answer: dict[str, Any] | None = None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"\n" + json.dumps(job).encode() + b"\n")
        while True:
            kind, _, rest = self._line(deadline).partition(b" ")
            if kind == b"pid":
                self._measuring = int(rest)
                if on_start is not None:
                    on_start(self._measuring)
            elif kind == b"answer":
                answer = json.loads(rest)
            else:
                # Whatever the job started and left behind is in its group.
                _kill_group(self._measuring)
                self._measuring = None
                # Without a status it is the template itself that has ended.
                status = int(rest) if kind == b"status" else None
                code = self._process.wait() if status is None else os.waitstatus_to_exitcode(status)
                return answer if answer is not None else self._died(code, workload)

    def _line(self, deadline: float) -> bytes:
        """Return the next line of the answers; empty when there will be no more."""
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

    def _died(self, code: int, workload: Workload) -> dict[str, Any]:
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code} before it answered"
        hint = " (was memory short?)" if code == -signal.SIGKILL else ""
        self._stderr.seek(0)
        killed = {"signal": -code} if code < 0 else {}
        written = self._stderr.read().decode(errors="replace").strip()
        return {
            "failed": f"the process measuring {workload.name} {how}{hint}.",
            "details": _end(written),
            **killed,
        }

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        return not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """End the template and what it is measuring."""
        _kill_group(self._measuring)
        self._measuring = None
        if self.alive:
            self._killed = True
            self._process.kill()

    def wait(self) -> None:
        """Wait for the killed template to be gone, and let go of its files."""
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._stderr.close()
        self._selector.close()
        os.close(self._answers)


def _end(written: str) -> str:
    """Return the last lines of what a process wrote, or what came first in a dump of its stack."""
    _, fatal, dump = written.partition(_FATAL)
    lines = (fatal + dump or written).splitlines()
    return "\n".join(lines[:_LINES] if fatal else lines[-_LINES:])


def _path() -> list[str]:
    # The folder of the command comes first, as it does for `python -m`.
    return [os.getcwd(), *(entry for entry in sys.path if entry and entry != os.getcwd())]


def _as_json(start: Start) -> str:
    found = {"preload": start.preload, "warm": start.warm, "arguments": start.arguments}
    return json.dumps({**found, "path": _path()})


def _job(workload: Workload, how: dict[str, Any], folder: str) -> dict[str, Any]:
    return {
        "name": workload.name,
        "opener": workload.opener,
        "drives": workload.drives,
        "arguments": dict(workload.arguments),
        "warm_up": None if workload.warm_up is None else dict(workload.warm_up),
        "scratch": folder,
        "folder": workload.folder or os.getcwd(),
        "path": _path(),
        **how,
    }


def _kill_group(leader: int | None) -> None:
    """End a measuring process together with whatever it started; it leads its own session."""
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
