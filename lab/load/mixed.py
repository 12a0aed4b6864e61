"""A mixed load: users of every kind and behaviour share one server for some time."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lab.load.locust_process import LocustUsers, run_load
from lab.load.plan import Plan
from lab.load.result import LoadResult
from lab.load.steps import ServerUnderTest, capped_server

_DRAIN = 630.0
"""Seconds that slow readers may take to finish after the end of the load."""


@dataclass(frozen=True)
class MixedLoad:
    """A mixed load to run.

    Attributes:
        served: The application and the users' jobs.
        roles: The variants' roles, used in turn; one empty role for none.
        users: The users and their behaviours.
        seconds: Duration; 0 for until Locust is stopped.
        url: A server that already runs; empty to start one.
    """

    served: ServerUnderTest
    roles: Sequence[str]
    users: LocustUsers
    seconds: float
    url: str = ""


def run_mixed(load: MixedLoad, out: Path) -> LoadResult:
    """Run a mixed load and return its result.

    Raises:
        LabError: The server does not start or does not listen, or Locust failed.
    """
    served = load.served
    prefixes = tuple(f"/{role}" if role else "" for role in load.roles)
    with ExitStack() as stack:
        if load.url:
            url, pid = load.url, 0
        else:
            server = stack.enter_context(capped_server(served, prefixes, load.users.count))
            url, pid = server.url, server.pid
        plan = Plan(served.jobs, url, prefixes, seconds=load.seconds, pid=pid)
        timeout = load.seconds + _DRAIN if load.seconds else None
        result = run_load(url, plan, load.users, out, timeout)
        if not load.url and not server.lives:
            return replace(result, died=f"exit code {server.process.returncode}")
        return result
