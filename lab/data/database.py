"""The database of the lessons: ``DATABASE_URL`` if it is set, else the embedded server.

All tables of the lab are in one schema, which comes first in the search path of every connection
opened here. A comment on the schema marks it as the lab's and describes its contents.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import ProgrammingError
from psycopg2.extensions import make_dsn
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from lab.data.embedded_postgres import embedded_server
from lab.errors import LabError


def schema() -> str:
    """Return the name of the lab's schema: ``MEMORY_LAB_SCHEMA``, or ``memory_lab``.

    Raises:
        LabError: The name would have to be quoted in SQL.
    """
    name = os.environ.get("MEMORY_LAB_SCHEMA", "memory_lab")
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise LabError(f"MEMORY_LAB_SCHEMA={name!r} is not a plain lower-case name.")
    return name


@contextmanager
def database(pool: int = 0, wait: float = 30.0) -> Iterator[Engine]:
    """Yield an engine on the lab's database, whose connections search the lab's schema first.

    Without a pool every connection is closed after use, and the temporary views and tables of a
    lesson are dropped with it.

    Args:
        pool: Size of the connection pool, without overflow; 0 for no pool.
        wait: Seconds to wait for a free connection of the pool.

    Raises:
        LabError: The database cannot be reached, or is not PostgreSQL.
    """
    url = _external_url()
    if url:
        yield from _engine(_checked(url), pool, wait)
    else:
        with embedded_server() as embedded:
            yield from _engine(make_url(embedded), pool, wait)


def _external_url() -> str | None:
    return os.environ.get("DATABASE_URL") or None


def _engine(url: URL, pool: int, wait: float) -> Iterator[Engine]:
    pooling: dict[str, Any] = {"poolclass": NullPool}
    if pool:
        pooling = {"pool_size": pool, "max_overflow": 0, "pool_timeout": wait}
    options = f"-c search_path={schema()} -c timezone=UTC"
    settings = {"options": options, "application_name": f"memory-lab-{os.getpid()}"}
    engine = create_engine(url, connect_args=settings, **pooling)
    try:
        with explained(engine):
            engine.connect().close()
            yield engine
    finally:
        engine.dispose()


def _checked(text: str) -> URL:
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise LabError(
            "DATABASE_URL is not a database address: write postgresql://user@host:5432/name."
        ) from None
    if url.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise LabError(
            f"DATABASE_URL names {url.drivername}, but the lessons need PostgreSQL: "
            "set it to postgresql://user@host/name, or unset it to use the embedded server."
        )
    for option in url.query:
        try:
            make_dsn(**{option: ""})
        except ProgrammingError:
            raise LabError(
                f"DATABASE_URL has the option {option!r}, which the client of PostgreSQL does not "
                "know: remove it; MEMORY_LAB_SCHEMA names the schema of the lab's tables."
            ) from None
    return url.set(drivername="postgresql+psycopg2")


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Replace the usual errors of a database by one sentence each.

    Raises:
        LabError: The database is unreachable, read-only, full, locked, or denies a permission.
    """
    shown = engine.url.difference_update_query(["password", "sslpassword"])
    where = shown.render_as_string(hide_password=True)
    try:
        yield
    except DBAPIError as error:
        message = str(error.orig).strip().splitlines()[0]
        code = getattr(error.orig, "pgcode", None)
        if code == "25006":
            problem = "it is read-only; set DATABASE_URL to a database that can be written to."
        elif code == "42501":
            problem = f"{message}; the lab needs permission to create its schema {schema()}."
        elif code == "53100":
            problem = "its disk is full; free some space, or run `lab data drop`."
        elif code == "55P03":
            problem = "another process is using the lab's tables; try again when it has finished."
        elif isinstance(error, OperationalError) and code is None:
            fix = "start it, or unset DATABASE_URL" if _external_url() else "try again"
            problem = f"cannot be reached ({message}); {fix}."
        else:
            raise
        raise LabError(f"the database {where}: {problem}") from None


@contextmanager
def counted_statements(connection: Connection) -> Iterator[dict[str, int]]:
    """Yield a dict whose ``statements`` counts the statements that a connection sends."""
    counts = {"statements": 0}

    def count(*_: object) -> None:
        counts["statements"] += 1

    event.listen(connection, "before_cursor_execute", count)
    try:
        yield counts
    finally:
        event.remove(connection, "before_cursor_execute", count)
