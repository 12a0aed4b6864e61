r"""The limits of what a database does: psql, its ``\copy`` and its SQL."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2.extensions
from sqlalchemy import Engine, Select

from benchmarks.limit import Limit, Limited, timed
from lab.data.database import database
from lab.data.embedded import programs
from lab.data.models import Post

_OURS = {"options", "application_name", "fallback_application_name"}
"""Parameters of a connection that say who we are, and not where the database is."""


class Psql:
    """The embedded server's own `psql`, with a connection that stays open.

    Raises:
        RuntimeError: From `run`, when the server refuses; with what `psql` wrote.
    """

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            found = dict(driver.info.dsn_parameters)
            path = connection.exec_driver_sql("show search_path").scalar_one()
        where = {name: value for name, value in found.items() if name not in _OURS}
        command = [programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        password = {"PGPASSWORD": engine.url.password} if engine.url.password else {}
        options = {"PGOPTIONS": f"-c search_path={path} -c timezone=UTC"}
        self._process = subprocess.Popen(
            [*command, "-d", psycopg2.extensions.make_dsn(**where)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **password, **options},
        )

    def __enter__(self) -> "Psql":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.__exit__(None, None, None)

    def run(self, command: str) -> None:
        """Run one command, which has to be on one line, and wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n\\echo done\n")
        self._process.stdin.flush()
        written = []
        while (line := self._process.stdout.readline()) != "done\n":
            written.append(line)
            if not line:
                raise RuntimeError(f"psql: {''.join(written).strip()}")


def copied_out(
    query: Callable[[int], Select[Any]], options: str = "format csv", target: str = "/dev/null"
) -> Limited:
    r"""Limit an export by ``\copy``: the server writes the text, `psql` writes it to nowhere.

    Args:
        query: Returns what selects the first so many rows.
        options: Of COPY.
        target: The file to write.
    """

    @contextmanager
    def limit(rows: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            text = _one_line(query(rows), engine)
            command = rf"\copy ({text}) to '{target}' ({options})"
            yield Limit(r"psql \copy", lambda: timed(lambda: psql.run(command)))

    return limit


def first_posts(query: Select[Any]) -> Callable[[int], Select[Any]]:
    """Return what narrows a query to the first posts."""
    return lambda rows: query.where(Post.id <= rows)


def sql(query: Select[Any]) -> Limited:
    """Limit an aggregate by its SQL, sent from `psql`; the table of posts holds the first rows."""

    @contextmanager
    def limit(rows: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            psql.run(r"\o /dev/null")
            seen = f"select * from posts where id <= {rows}"  # noqa: S608 - a number
            psql.run(f"create temporary view posts as {seen};")
            statement = _one_line(query, engine)
            yield Limit("SQL", lambda: timed(lambda: psql.run(f"{statement};")))

    return limit


def copied_in(make: Callable[[int], Path], temporary: bool = True) -> Limited:
    r"""Limit an import by ``\copy`` of the same file into an empty table with the same indexes.

    Args:
        make: Returns the file of so many bytes.
        temporary: Whether the table is a temporary one, as in the pattern's world, which nothing
            has to be logged for; or else the table of users in the schema that is set.
    """

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            if temporary:
                psql.run("create temporary table users (like users including all);")
            columns = "email, name, age, can_export"
            command = rf"\copy users ({columns}) from '{make(size)}' (format csv, header)"

            def seconds() -> float:
                psql.run("truncate users;")
                return timed(lambda: psql.run(command))

            yield Limit(r"psql \copy", seconds)

    return limit


def _one_line(query: Select[Any], engine: Engine) -> str:
    """Write a query out with its values, since `psql` takes no parameters."""
    compiled = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    # The driver's own signs are doubled for the driver, which is not asked here.
    return " ".join(str(compiled).split()).replace("%%", "%")
