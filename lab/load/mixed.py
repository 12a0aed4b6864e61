"""A mixed load: users of every kind, on one server, for some time."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lab.load.job import Plan
from lab.load.locusts import Crowd, put_load
from lab.load.outcome import Outcome
from lab.load.steps import Served, capped

_LATE = 630.0
"""Seconds that slow readers may take to finish, once the time is over."""


@dataclass(frozen=True)
class Mixed:
    """What is asked of a mixed load.

    Attributes:
        served: The application and the users' jobs.
        roles: The variants' roles, in turns; one empty one for none.
        crowd: How many users, in which manners.
        seconds: For how long; 0 for until somebody ends it.
        url: A server that is up already; empty for one of our own.
    """

    served: Served
    roles: Sequence[str]
    crowd: Crowd
    seconds: float
    url: str = ""


def put_mixed(wanted: Mixed, out: Path) -> Outcome:
    """Put a mixed load on a server of our own, or on one that is up.

    Raises:
        LabError: There is no server, it does not come up, or Locust could not do its work.
    """
    served = wanted.served
    prefixes = tuple(f"/{role}" if role else "" for role in wanted.roles)
    with ExitStack() as stack:
        if wanted.url:
            url, pid = wanted.url, 0
        else:
            server = stack.enter_context(capped(served, prefixes, wanted.crowd.users))
            url, pid = server.url, server.pid
        seconds = wanted.seconds
        plan = Plan(served.jobs, url, prefixes, seconds=seconds, pid=pid)
        outcome = put_load(url, plan, wanted.crowd, out, seconds + _LATE if seconds else None)
        if not wanted.url and not server.lives:
            return replace(outcome, died=f"exit code {server.process.returncode}")
        return outcome
