"""Find how many users a server can serve: a fresh server under a cap per step, until one fails."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.errors import LabError
from lab.load.locust_process import LocustUsers, NotOverError, run_load
from lab.load.plan import Plan, UserRequest
from lab.load.request import WrongAnswerError, send, verify_body
from lab.load.result import LoadResult
from lab.measure.memory_cap import limit_memory, says_out_of_memory
from lab.net.server import Server, reset_high_water_mark, running
from lab.net.uvicorn_process import STACK
from lab.system.linux import status

THREAD_STACK = 1 << 20
"""Bytes. A thread touches a few kilobytes of the usual 8 MB, but a cap counts all of them."""


@dataclass(frozen=True)
class ServerUnderTest:
    """An application under load and its memory cap.

    Attributes:
        app: ``package.module:app``.
        jobs: The requests that each user sends.
        cap: Bytes that the server may allocate after its warm-up; 0 for no cap.
        pool: Environment variable of the application's pool size; empty for none.
        timeout: Seconds for a step.
        env: Environment variables of its server.
    """

    app: str
    jobs: tuple[UserRequest, ...]
    cap: int
    pool: str = ""
    timeout: float = 900
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Step:
    """The result of one number of users on a fresh server.

    Attributes:
        role: The variant's role; empty for an application without roles.
        users: Users who sent their requests at once.
        base: Resident set of the warm server, in bytes.
        peak: Its highest resident set, in bytes.
        problem: The first failure; empty if every answer was complete.
        outcome: The result of the load; None if it did not end in time.
    """

    role: str
    users: int
    base: int
    peak: int
    problem: str
    outcome: LoadResult | None

    @property
    def passed(self) -> bool:
        """Whether every user got every answer complete."""
        return not self.problem


def run_steps(
    served: ServerUnderTest, roles: Sequence[str], users: Sequence[int], out: Path
) -> Iterator[Step]:
    """Run a step for each role and number of users; a role ends with its first failure.

    Args:
        served: The application.
        roles: The variants' roles; one empty role for none.
        users: Numbers of users, in increasing order.
        out: Folder with a subfolder for each step's reports.

    Raises:
        LabError: A server did not start, Locust failed, or the application refuses a request.
    """
    for role in roles:
        for number in users:
            step = run_step(served, role, number, out / f"{role or 'users'}-{number}")
            yield step
            if not step.passed:
                break


def run_step(served: ServerUnderTest, role: str, users: int, out: Path) -> Step:
    """Run all users at once against a fresh server.

    Raises:
        LabError: As for `run_steps`.
    """
    prefix = f"/{role}" if role else ""
    with capped_server(served, (prefix,), users) as server:
        base = reset_high_water_mark(server.pid)
        plan = Plan(
            served.jobs,
            server.url,
            (prefix,),
            rounds=1,
            retry_seconds=served.timeout / 2,
            sample_interval=0.5,
            pid=server.pid,
        )
        result = None
        try:
            result = run_load(server.url, plan, LocustUsers(users), out, served.timeout)
        except NotOverError:
            problem = f"not over after {served.timeout:g} s"
        else:
            problem = _problem(server, result, users * len(served.jobs))
        peak = status("VmHWM", server.pid) if server.lives else base
    series = result.series if result is not None else ()
    sampled = [int(sample.get("resident_bytes", 0)) for sample in series]
    return Step(role, users, base, max([peak, *sampled]), problem, result)


def _problem(server: Server, result: LoadResult, expected: int) -> str:
    """Describe the first failure and whether memory ran out; empty if there was none."""
    shortage = " (out of memory)" if says_out_of_memory(server.written()) else ""
    if not server.lives:
        return f"the server died with exit code {server.process.returncode}{shortage}"
    if result.problems:
        first = next(iter(result.problems))
        if not shortage and re.search(r": 4\d\d ", first):
            raise LabError(f"the application refuses a request: {first}.")
        return first + shortage
    if result.requests < expected:
        return f"{result.requests} of {expected} answers arrived"
    return ""


@contextmanager
def capped_server(served: ServerUnderTest, prefixes: Sequence[str], pool: int) -> Iterator[Server]:
    """Start a server, warm it, and limit what it may allocate from then on.

    Args:
        served: The application and its cap.
        prefixes: Prefixes of the paths to warm, one for each role.
        pool: Connections of the application's pool, at least 5.
    """
    environment = {**served.env, STACK: str(THREAD_STACK)}
    if served.pool:
        environment[served.pool] = str(max(5, pool))
    with running(served.app, environment) as server:
        for job in served.jobs:
            for prefix in prefixes:
                _warm(server, prefix, job)
        if served.cap:
            limit_memory(server.pid, served.cap)
        yield server


def _warm(server: Server, prefix: str, job: UserRequest) -> None:
    if not job.warm:
        return
    small = replace(job, path=job.warm, upload=min(job.upload, 10_000), expected="")
    try:
        verify_body(small, send(server.url, small, prefix))
    except (WrongAnswerError, OSError) as error:
        raise LabError(f"{prefix}{job.warm}: {error}.", server.written()[-2_000:]) from None
