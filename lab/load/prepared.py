"""What must be there before the load: the database, its rows, a file, and the right answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.load.asked import FILE, Asked
from lab.load.asking import answer, ask, check
from lab.load.job import Job
from lab.load.steps import Served
from lab.server import running

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lab.report.terminal import Steps

_OTHERS = 10
"""Connections that the database keeps for its owner, and that somebody else may have."""


@contextmanager
def prepared(asked: Asked, served: Served, steps: "Steps", url: str = "") -> Iterator[Served]:
    """Have all that the lesson's jobs need, and yield them with what their answers must be.

    The answers are those of the best variants, on a server that has no cap, or on the one that is
    up. An application of the reader's may answer differently each time, and is left alone.

    Raises:
        LabError: There is no database, or no server at the URL, or it gives no right answer.
    """
    if asked.app is not None:
        yield served
        return
    if url:
        yield replace(served, jobs=_with_answers(served.jobs, url))
        return
    from lab.data.database import database
    from lab.data.files import download_file
    from lab.data.seed import build

    with database() as engine:
        _check_connections(engine, max(asked.numbers))
        rows = asked.lesson_rows if any("rows=" in job.path for job in served.jobs) else 1_000
        steps.begin("Posts", rows)
        build(engine, rows, progress=steps.reach)
        for size in (FILE, 1_000):
            download_file(size)
        with running(served.app) as server:
            jobs = _with_answers(served.jobs, server.url)
        yield replace(served, jobs=jobs)


def _check_connections(engine: "Engine", users: int) -> None:
    """Let no number of users be tried that the database refuses, or it would seem the server's."""
    with engine.connect() as connection:
        allowed = int(connection.exec_driver_sql("show max_connections").scalar_one())
    if users + _OTHERS > allowed:
        raise LabError(
            f"{users} users want a connection each, and the database allows {allowed}: ask for "
            f"{allowed - _OTHERS} users or fewer, or raise its max_connections."
        )


def _with_answers(jobs: tuple[Job, ...], url: str) -> tuple[Job, ...]:
    found = []
    for job in jobs:
        try:
            received = ask(url, job)
            check(job, received)
        except OSError as error:
            raise LabError(
                f"nothing answers at {url} ({error.strerror or error}): start a server, for "
                "example with `lab serve`, or leave --url out for one of our own."
            ) from None
        except Exception as error:
            raise LabError(f"{url}{job.path} gives no right answer: {error}.") from None
        found.append(replace(job, answer=answer(job, received)))
    return tuple(found)
