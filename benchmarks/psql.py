r"""Limits of work in a database: ``\copy`` of `psql`, and SQL."""

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
from lab.data.embedded_postgres import programs
from lab.data.models import Post

_CLIENT_PARAMETERS = {"options", "application_name", "fallback_application_name"}
"""Connection parameters that describe the client and not the database."""


class Psql:
    """The embedded server's own `psql`, with one open connection.

    Raises:
        RuntimeError: From `run`, if the server reports an error; with the output of `psql`.
    """

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            parameters = dict(driver.info.dsn_parameters)
            path = connection.exec_driver_sql("show search_path").scalar_one()
        target = {
            name: value for name, value in parameters.items() if name not in _CLIENT_PARAMETERS
        }
        command = [programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        password = {"PGPASSWORD": engine.url.password} if engine.url.password else {}
        options = {"PGOPTIONS": f"-c search_path={path} -c timezone=UTC"}
        self._process = subprocess.Popen(
            [*command, "-d", psycopg2.extensions.make_dsn(**target)],
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
        """Run one command, given on one line, and wait for its end."""
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
    r"""Limit an export by ``\copy``: the server writes the text, `psql` writes it to /dev/null.

    Args:
        query: Returns the query for a number of first rows.
        options: Options of COPY.
        target: File to write.
    """

    @contextmanager
    def limit(rows: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            text = _one_line(query(rows), engine)
            command = rf"\copy ({text}) to '{target}' ({options})"
            yield Limit(r"psql \copy", lambda: timed(lambda: psql.run(command)))

    return limit


def first_posts(query: Select[Any]) -> Callable[[int], Select[Any]]:
    """Return a function that limits a query to a number of first posts."""
    return lambda rows: query.where(Post.id <= rows)


def sql(query: Select[Any]) -> Limited:
    """Limit an aggregate by its SQL, sent by `psql` over a view of the first posts."""

    @contextmanager
    def limit(rows: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            psql.run(r"\o /dev/null")
            first = f"select * from posts where id <= {rows}"  # noqa: S608 - a number
            psql.run(f"create temporary view posts as {first};")
            statement = _one_line(query, engine)
            yield Limit("SQL", lambda: timed(lambda: psql.run(f"{statement};")))

    return limit


def copied_in(make: Callable[[int], Path], temporary: bool = True) -> Limited:
    r"""Limit an import by ``\copy`` of the same file into an empty table with the same indexes.

    Args:
        make: Returns the file for a number of bytes.
        temporary: Whether the table is temporary, as in the pattern's data, so that the database
            logs nothing for it; otherwise the table of users in the current schema.
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
    """Return a query with its values on one line, because `psql` takes no parameters."""
    compiled = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    # Percent signs are doubled for the driver, which does not run this query.
    return " ".join(str(compiled).split()).replace("%%", "%")
