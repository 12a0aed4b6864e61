"""How many users does a server carry? A fresh server under a cap for each step, until one fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.errors import LabError
from lab.linux import status
from lab.load.asking import ask
from lab.load.job import Job, Plan
from lab.load.locusts import Crowd, put_load
from lab.load.outcome import Outcome
from lab.measure.cap import hold
from lab.serve import STACK
from lab.server import Server, reset_high_water_mark, running

THREAD_STACK = 1 << 20
"""Bytes. Of the 8 MB that are usual a thread touches some kilobytes, but a cap counts them all."""


@dataclass(frozen=True)
class Served:
    """An application under load, and how much memory it may have.

    Attributes:
        app: ``package.module:app``.
        jobs: What each user asks for.
        cap: Bytes that a server may take more than it is warm with; 0 for no cap.
        pool: The variable, if any, that tells the application how many connections to keep.
        rounds: How often each user asks.
        timeout: Seconds for a step.
    """

    app: str
    jobs: tuple[Job, ...]
    cap: int
    pool: str = ""
    rounds: int = 1
    timeout: float = 900


@dataclass(frozen=True)
class Step:
    """One number of users, and what became of the server.

    Attributes:
        role: The variant's role; empty for an application without roles.
        users: How many asked at once.
        base: Bytes that the server had in its resident set when it was warm.
        peak: Its highest resident set, in bytes.
        problem: What failed first; empty where every answer was whole.
        outcome: What Locust counted; None where the server did not live to tell.
    """

    role: str
    users: int
    base: int
    peak: int
    problem: str
    outcome: Outcome | None

    @property
    def carried(self) -> bool:
        """Whether every user had every answer whole."""
        return not self.problem


def climb(
    served: Served,
    roles: Sequence[str],
    users: Sequence[int],
    out: Path,
    on_step: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    """Put more and more users on fresh servers; after the first failure of a role, no more.

    Args:
        served: The application.
        roles: The variants' roles; one empty one for none.
        users: Numbers of users, in increasing order.
        out: A folder for each step's reports.
        on_step: Called after each step.

    Raises:
        LabError: A server did not come up, or Locust could not do its work.
    """
    steps = []
    for role in roles:
        for number in users:
            step = take_step(served, role, number, out / f"{role or 'users'}-{number}")
            steps.append(step)
            on_step(step)
            if not step.carried:
                break
    return steps


def take_step(served: Served, role: str, users: int, out: Path) -> Step:
    """Put so many users on a fresh server, all at once."""
    prefix = f"/{role}" if role else ""
    with capped(served, (prefix,), users) as server:
        base = reset_high_water_mark(server.pid)
        plan = Plan(
            served.jobs,
            (prefix,),
            served.rounds,
            every=0.5,
            pid=server.pid,
            patience=served.timeout,
        )
        outcome = put_load(server.url, plan, Crowd(users), out, served.timeout)
        died = not server.lives
        peak = base if died else status("VmHWM", server.pid)
        problem = _problem(server, outcome)
    seen = [int(sample.get("resident_bytes", 0)) for sample in outcome.series]
    return Step(role, users, base, max([peak, *seen]), problem, outcome)


def _problem(server: Server, outcome: Outcome) -> str:
    if not server.lives:
        return f"the server died (exit code {server.process.returncode})"
    if outcome.problems:
        first = next(iter(outcome.problems))
        short = "MemoryError" in server.written() or "out of memory" in server.written()
        return f"{first} (out of memory)" if short else first
    return "" if outcome.requests else "nobody asked for anything"


@contextmanager
def capped(served: Served, prefixes: Sequence[str], pool: int) -> Iterator[Server]:
    """Run a server that is warm, and may take no more than its cap, if any, from now on."""
    environment = {STACK: str(THREAD_STACK)}
    if served.pool:
        environment[served.pool] = str(max(5, pool))
    with running(served.app, environment) as server:
        for job in served.jobs:
            for prefix in prefixes:
                _warm(server, prefix, job)
        if served.cap:
            hold(server.pid, served.cap)
        yield server


def _warm(server: Server, prefix: str, job: Job) -> None:
    if job.warm:
        found = ask(server.url, replace(job, path=job.warm), prefix)
        if found.status == 0:
            raise LabError(f"the server hung up on {job.warm}.", server.written()[-2_000:])
