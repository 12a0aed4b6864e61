"""The worker's side of a remote run: measure a point, keep processes and data for the next."""

import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from lab.curves.curve import Reading, Witness
from lab.errors import LabError
from lab.measure.environment import environment
from lab.measure.process_pool import Processes
from lab.measure.workload import Preparation, Workload
from lab.system.import_path import resolve

KEEP = 30.0
"""Seconds after a point for which a worker keeps the processes and data for the next one."""

_MAY_DIFFER = {"cores"}
"""Entries of the environment that a worker may have different from the machine of the run."""


@dataclass(frozen=True)
class RemoteJob:
    """One point for a worker to measure.

    Attributes:
        run: The identifier of its run, for `stop`.
        number: Different for each point, because Dask runs two equal calls only once.
        workload: What to run.
        witness: What to measure.
        timeout: Seconds after which its process is killed.
        preparations: Those of all workloads of the run.
        environment: The environment that the run reports.
        keep: Whether the worker will be notified of the end of the run, and so may keep processes
            and data for the next point.
    """

    run: str
    number: int
    workload: Workload
    witness: Witness
    timeout: float
    preparations: tuple[Preparation, ...]
    environment: Mapping[str, Any]
    keep: bool


def take(job: RemoteJob) -> Reading:
    """Measure a point in a fresh process; called on a worker.

    Raises:
        LabError: It could not be measured, or the worker has other versions than the run.
    """
    _require_same_versions(job.environment)
    _remove_nanny_settings()
    with _session(job.run, job.keep) as session:
        session.prepare(job.preparations)
        return session.processes.read(job.workload, job.witness, job.timeout)


def stop(run: str) -> None:
    """End the processes and data that this worker keeps for a run; readings in progress fail."""
    with _lock:
        session = _sessions.pop(run, None)
        if session is not None:
            session.processes.close()
            if session.users == 0:
                session.stack.close()


class _Session:
    """What a worker keeps between the points of a run: fork servers and data.

    Attributes:
        stack: Closes them.
        processes: The fork servers.
        users: Number of points in progress.
        points: Number of points so far.
    """

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.processes = self.stack.enter_context(Processes())
        self.users = 0
        self.points = 0
        self._prepared: set[Preparation] = set()

    def prepare(self, preparations: Iterable[Preparation]) -> None:
        """Make the data that is not there yet, and keep it until the session ends."""
        with _preparing:
            for each in preparations:
                if each not in self._prepared:
                    opener = resolve(each.opener)
                    self.stack.enter_context(opener(**json.loads(each.arguments)))
                    self._prepared.add(each)


_sessions: dict[str, _Session] = {}
_lock = threading.Lock()
_preparing = threading.Lock()
"""Two threads of a worker must not write the same file."""


@contextmanager
def _session(run: str, keep: bool) -> Iterator[_Session]:
    with _lock:
        session = _sessions.get(run) or _sessions.setdefault(run, _Session())
        session.users += 1
        session.points += 1
    try:
        yield session
    finally:
        with _lock:
            session.users -= 1
            if keep and _sessions.get(run) is session:
                _end_later(run, session)
            elif session.users == 0:
                _end(run, session)


def _end_later(run: str, session: _Session) -> None:
    """End the session after `KEEP` seconds without a new point, in case `stop` is never called."""
    expiry = threading.Timer(KEEP, _expire, [run, session, session.points])
    expiry.daemon = True
    expiry.start()


def _expire(run: str, session: _Session, points: int) -> None:
    with _lock:
        if session.users == 0 and session.points == points:
            _end(run, session)


def _end(run: str, session: _Session) -> None:
    if _sessions.get(run) is session:
        del _sessions[run]
    session.stack.close()


def _require_same_versions(expected: Mapping[str, Any]) -> None:
    own = environment()
    for name in sorted(own.keys() & expected.keys() - _MAY_DIFFER):
        if own[name] != expected[name]:
            raise LabError(
                f"a worker on {os.uname().nodename} has {name} {own[name]}, but the sweep was "
                f"started with {expected[name]}: their figures do not compare; install the same "
                "version."
            )


def _remove_nanny_settings() -> None:
    """Remove the environment variables by which Dask's nanny changes how a worker allocates."""
    if "distributed" in sys.modules:
        import dask

        for name in dask.config.get("distributed.nanny.pre-spawn-environ"):
            os.environ.pop(name, None)
