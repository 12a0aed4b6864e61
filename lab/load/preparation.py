"""Prepare what a load needs: the database, its rows, a file, and the expected answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.load.options import FILE, LoadOptions
from lab.load.plan import UserRequest
from lab.load.request import fingerprint, send, verify_body
from lab.load.steps import ServerUnderTest
from lab.net.server import running

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lab.report.terminal import Steps

_RESERVED = 10
"""Connections that the database reserves for superusers, or that other clients may use."""


@contextmanager
def prepared(
    options: LoadOptions, served: ServerUnderTest, steps: "Steps", url: str = ""
) -> Iterator[ServerUnderTest]:
    """Prepare the data of the lesson's jobs, and yield the jobs with their expected answers.

    The answers come from the recommended variants, on a server without a cap or on the one at the
    URL. Another application may answer differently each time, so it is yielded unchanged.

    Raises:
        LabError: The database or the server at the URL is missing, or an answer is wrong.
    """
    if options.app is not None:
        yield served
        return
    if url:
        yield replace(served, jobs=_with_answers(served.jobs, url))
        return
    from lab.data.database import database
    from lab.data.files import download_file
    from lab.data.seed import build

    with database() as engine:
        _check_connections(engine, max(options.user_counts))
        rows = options.lesson_rows if any("rows=" in job.path for job in served.jobs) else 1_000
        steps.begin("Posts", rows)
        build(engine, rows, progress=steps.reach)
        for size in (FILE, 1_000):
            download_file(size)
        with running(served.app) as server:
            jobs = _with_answers(served.jobs, server.url)
        yield replace(served, jobs=jobs)


def _check_connections(engine: "Engine", users: int) -> None:
    """Refuse more users than the database has connections: the server would get the blame."""
    with engine.connect() as connection:
        allowed = int(connection.exec_driver_sql("show max_connections").scalar_one())
    if users + _RESERVED > allowed:
        raise LabError(
            f"{users} users need a connection each, but the database allows {allowed}: use at most "
            f"{allowed - _RESERVED} users, or raise its max_connections."
        )


def _with_answers(jobs: tuple[UserRequest, ...], url: str) -> tuple[UserRequest, ...]:
    with_answers = []
    for job in jobs:
        try:
            received = send(url, job)
            verify_body(job, received)
        except OSError as error:
            raise LabError(
                f"nothing answers at {url} ({error.strerror or error}): start a server, for "
                "example with `lab serve`, or leave out --url."
            ) from None
        except Exception as error:
            raise LabError(f"{url}{job.path} gives a wrong answer: {error}.") from None
        with_answers.append(replace(job, expected=fingerprint(job, received)))
    return tuple(with_answers)
