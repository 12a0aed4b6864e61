"""A pool of fork servers for the measuring processes of one run; none is left running after it."""

import os
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from lab.curves.curve import Reading, Witness
from lab.errors import LabError
from lab.measure import run_progress
from lab.measure.fork_server_parent import ForkServer, OnStart, import_path
from lab.measure.memory_cap import PROGRESS, CapOutcome, Survival
from lab.measure.messages import Answer, Task
from lab.measure.workload import Start, Workload

_MOST_IDLE = 4


class Processes:
    """The fork servers of one run; leaving the block ends them and deletes their files."""

    def __init__(self) -> None:
        self._all: list[ForkServer] = []
        self._idle: dict[Start, list[ForkServer]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> "Processes":
        self._scratch = tempfile.TemporaryDirectory(prefix="memory-lab-")
        return self

    @property
    def closed(self) -> bool:
        """Whether every process was ended."""
        return self._closed

    def __exit__(self, *_: object) -> None:
        self.close()
        for server in self._all:
            server.wait()
        self._scratch.cleanup()

    def close(self) -> None:
        """End every process now; readings in progress fail."""
        with self._lock:
            self._closed = True
            for server in self._all:
                server.kill()

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
            witness: What to measure.
            timeout: Seconds; a run that takes longer is killed, and its reading has an error.
            on_start: Called with the pid of the process, which leads its own process group.

        Raises:
            LabError: The workload could not be opened, raised an error, or its process died.
        """
        start = time.perf_counter()
        with self._folder() as folder:
            try:
                answer = self._answer(workload, folder, timeout, on_start, witness=witness)
            except TimeoutError:
                return Reading(error=f"not finished after {timeout:g} s")
        if answer.reading is None:
            raise LabError(answer.failure, answer.details)
        added = time.perf_counter() - start - answer.run_seconds
        return replace(answer.reading, harness_seconds=added)

    def survive(
        self, workload: Workload, cap: int, timeout: float, on_start: OnStart | None = None
    ) -> Survival:
        """Run a workload in a fresh process that may take ``cap`` bytes over its warm state.

        Raises:
            LabError: The workload could not be opened, or failed for another reason than memory.
        """
        start = time.perf_counter()
        with self._folder() as folder:
            outcome: CapOutcome
            try:
                answer = self._answer(workload, folder, timeout, on_start, cap=cap)
            except TimeoutError:
                answer = Answer()
                outcome, reason = "timed out", f"not finished after {timeout:g} s"
            else:
                if answer.signal:
                    outcome, reason = "killed", answer.failure
                elif answer.outcome is None:
                    raise LabError(answer.failure, answer.details)
                else:
                    outcome, reason = answer.outcome, answer.reason
            reached = run_progress.read(Path(folder, PROGRESS))
        return Survival(outcome, reached, time.perf_counter() - start, reason, answer.digest)

    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(dir=self._scratch.name)

    def _answer(
        self,
        workload: Workload,
        folder: str,
        timeout: float,
        on_start: OnStart | None,
        *,
        witness: Witness | None = None,
        cap: int = 0,
    ) -> Answer:
        task = Task(
            workload.name,
            workload.opener,
            dict(workload.arguments),
            None if workload.warm_up is None else dict(workload.warm_up),
            workload.runs_itself,
            scratch=folder,
            folder=workload.folder or os.getcwd(),
            path=import_path(),
            witness=witness,
            cap=cap,
            env=dict(workload.env),
        )
        server = self._take(workload.start)
        try:
            return server.measure(task, timeout, on_start)
        finally:
            self._give_back(server, workload.start)

    def _take(self, start: Start) -> ForkServer:
        with self._lock:
            if self._closed:
                raise LabError("the measurement was stopped.")
            idle = self._idle.get(start)
            if idle:
                return idle.pop()
            self._make_room()
            server = ForkServer(start, Path(self._scratch.name))
            self._all.append(server)
            return server

    def _give_back(self, server: ForkServer, start: Start) -> None:
        with self._lock:
            if self._closed:
                return
            if server.alive:
                self._idle.setdefault(start, []).append(server)
            else:
                self._remove(server)

    def _make_room(self) -> None:
        """End one idle server if there are `_MOST_IDLE` of them."""
        all_idle = [server for idle in self._idle.values() for server in idle]
        if len(all_idle) >= _MOST_IDLE:
            for idle in self._idle.values():
                if all_idle[0] in idle:
                    idle.remove(all_idle[0])
            self._remove(all_idle[0])

    def _remove(self, server: ForkServer) -> None:
        server.kill()
        server.wait()
        self._all.remove(server)
