"""What a worker does with the points that it takes, and what it keeps between two of them."""

import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.measure.curve import Reading, Witness
from lab.measure.environment import environment
from lab.measure.process import Processes
from lab.measure.workload import Preparation, Workload, resolve

KEEP = 30.0
"""Seconds after a point for which a worker keeps what the next one wants."""

_MAY_DIFFER = {"cores"}


@dataclass(frozen=True)
class Ticket:
    """One point for a worker to take.

    Attributes:
        run: The run that it belongs to, by which it can be stopped.
        number: Another one for each point: Dask runs two equal calls only once.
        workload: What to run.
        witness: How to look at it.
        timeout: Seconds after which its process is ended.
        preparations: What has the data of the whole run in place.
        environment: The circumstances that the run is reported with.
        keep: The worker will hear of the end of the run, and may keep what the next point wants.
    """

    run: str
    number: int
    workload: Workload
    witness: Witness
    timeout: float
    preparations: tuple[Preparation, ...]
    environment: Mapping[str, Any]
    keep: bool


def take(ticket: Ticket) -> Reading:
    """Measure a point in a fresh process; called on a worker.

    Raises:
        LabError: It could not be measured, or would not compare with the others.
    """
    _check_alike(ticket.environment)
    _forget_the_nanny()
    with _session(ticket.run, ticket.keep) as session:
        session.prepare(ticket.preparations)
        return session.processes.read(ticket.workload, ticket.witness, ticket.timeout)


def stop(run: str) -> None:
    """End what this worker keeps for a run; readings under way fail."""
    with _lock:
        session = _sessions.pop(run, None)
        if session is not None:
            session.processes.close()
            if session.users == 0:
                session.held.close()


class _Session:
    """What a worker keeps between the points of a run: processes to fork from, data in place."""

    def __init__(self) -> None:
        self.held = ExitStack()
        self.processes = self.held.enter_context(Processes())
        self.users = 0
        self.points = 0
        self._prepared: set[Preparation] = set()

    def prepare(self, wanted: Iterable[Preparation]) -> None:
        """Have data in place until the session ends; two threads would write the same file."""
        with _preparing:
            for each in wanted:
                if each not in self._prepared:
                    opener = resolve(each.opener)
                    self.held.enter_context(opener(**json.loads(each.arguments)))
                    self._prepared.add(each)


_sessions: dict[str, _Session] = {}
_lock = threading.Lock()
_preparing = threading.Lock()


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
                _expect_more(run, session)
            elif session.users == 0:
                _end(run, session)


def _expect_more(run: str, session: _Session) -> None:
    """End the session when no other point comes: whoever began the run may have died."""
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
    session.held.close()


def _check_alike(theirs: Mapping[str, Any]) -> None:
    ours = environment()
    for name in sorted(ours.keys() & theirs.keys() - _MAY_DIFFER):
        if ours[name] != theirs[name]:
            raise LabError(
                f"a worker on {os.uname().nodename} has {name} {ours[name]}, and the sweep was "
                f"started with {theirs[name]}: their figures do not compare; install the same."
            )


def _forget_the_nanny() -> None:
    """Measure as anywhere else: Dask's nanny sets how the processes of a worker allocate."""
    if "distributed" in sys.modules:
        import dask

        for name in dask.config.get("distributed.nanny.pre-spawn-environ"):
            os.environ.pop(name, None)
