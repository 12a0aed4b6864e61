"""How many users does a server carry? A fresh server under a cap for each step, until one fails."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.errors import LabError
from lab.linux import status
from lab.load.asking import WrongError, ask, check
from lab.load.job import Job, Plan
from lab.load.locusts import Crowd, NotOverError, put_load
from lab.load.outcome import Outcome
from lab.measure.cap import hold, text_says_shortage
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
        timeout: Seconds for a step.
    """

    app: str
    jobs: tuple[Job, ...]
    cap: int
    pool: str = ""
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
        outcome: What Locust counted; None where it was not over in time.
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


def climb(served: Served, roles: Sequence[str], users: Sequence[int], out: Path) -> Iterator[Step]:
    """Put more and more users on fresh servers; after the first failure of a role, no more.

    Args:
        served: The application.
        roles: The variants' roles; one empty one for none.
        users: Numbers of users, in increasing order.
        out: A folder for each step's reports.

    Raises:
        LabError: A server did not come up, Locust could not do its work, or a request is wrong.
    """
    for role in roles:
        for number in users:
            step = take_step(served, role, number, out / f"{role or 'users'}-{number}")
            yield step
            if not step.carried:
                break


def take_step(served: Served, role: str, users: int, out: Path) -> Step:
    """Put so many users on a fresh server, all at once.

    Raises:
        LabError: As `climb` says.
    """
    prefix = f"/{role}" if role else ""
    with capped(served, (prefix,), users) as server:
        base = reset_high_water_mark(server.pid)
        plan = Plan(
            served.jobs,
            server.url,
            (prefix,),
            rounds=1,
            patience=served.timeout / 2,
            every=0.5,
            pid=server.pid,
        )
        outcome = None
        try:
            outcome = put_load(server.url, plan, Crowd(users), out, served.timeout)
        except NotOverError:
            problem = f"not over after {served.timeout:g} s"
        else:
            problem = _problem(server, outcome, users * len(served.jobs))
        peak = status("VmHWM", server.pid) if server.lives else base
    series = outcome.series if outcome is not None else ()
    seen = [int(sample.get("resident_bytes", 0)) for sample in series]
    return Step(role, users, base, max([peak, *seen]), problem, outcome)


def _problem(server: Server, outcome: Outcome, wanted: int) -> str:
    """Say what failed first, and whether memory was short; nothing where all is well."""
    short = " (out of memory)" if text_says_shortage(server.written()) else ""
    if not server.lives:
        return f"the server died with exit code {server.process.returncode}{short}"
    if outcome.problems:
        first = next(iter(outcome.problems))
        if not short and re.search(r": 4\d\d ", first):
            raise LabError(f"the application refuses what it is asked: {first}.")
        return first + short
    if outcome.requests < wanted:
        return f"{outcome.requests} of {wanted} answers came"
    return ""


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
    if not job.warm:
        return
    small = replace(job, path=job.warm, upload=min(job.upload, 10_000), answer="")
    try:
        check(small, ask(server.url, small, prefix))
    except (WrongError, OSError) as error:
        raise LabError(f"{prefix}{job.warm}: {error}.", server.written()[-2_000:]) from None
