"""The database that lessons run on: ``DATABASE_URL`` when it is set, else the embedded server.

Everything the lab makes is in one schema of its own, which is first in the search path of every
connection made here. A comment on the schema says that the lab made it, and what is in it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from lab.data.embedded import server
from lab.errors import LabError


def schema() -> str:
    """Return the name of the lab's schema: ``MEMORY_LAB_SCHEMA``, or ``memory_lab``.

    Raises:
        LabError: The name would need quoting.
    """
    name = os.environ.get("MEMORY_LAB_SCHEMA", "memory_lab")
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise LabError(f"MEMORY_LAB_SCHEMA={name!r} is no plain lower-case name.")
    return name


@contextmanager
def database(pool: int = 0, wait: float = 30.0) -> Iterator[Engine]:
    """Yield an engine on the lab's database; its connections see the lab's schema first.

    Without a pool the engine keeps no connections: what a lesson makes for itself (a temporary
    view, say) ends with the connection it was made on.

    Args:
        pool: Connections to keep and never to exceed, or 0 for no pool.
        wait: Seconds to wait for one of them to be free.

    Raises:
        LabError: The database cannot be reached, or is no PostgreSQL.
    """
    url = _given()
    if url:
        yield from _engine(_external(url), pool, wait)
    else:
        with server() as embedded:
            yield from _engine(make_url(embedded), pool, wait)


def _given() -> str | None:
    return os.environ.get("DATABASE_URL") or None


def _engine(url: URL, pool: int, wait: float) -> Iterator[Engine]:
    keeping: dict[str, Any] = {"poolclass": NullPool}
    if pool:
        keeping = {"pool_size": pool, "max_overflow": 0, "pool_timeout": wait}
    options = f"-c search_path={schema()} -c timezone=UTC"
    known_by = {"options": options, "application_name": f"memory-lab-{os.getpid()}"}
    engine = create_engine(url, connect_args=known_by, **keeping)
    try:
        with explained(engine):
            engine.connect().close()
            yield engine
    finally:
        engine.dispose()


def _external(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise LabError(
            "DATABASE_URL is no database address: write postgresql://user@host/name."
        ) from None
    if url.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise LabError(
            f"DATABASE_URL names {url.drivername}, and the lessons need PostgreSQL: "
            "unset it to use the embedded server."
        )
    return url.set(drivername="postgresql+psycopg2")


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what a database refuses into one sentence.

    Raises:
        LabError: Instead of the driver's error.
    """
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0]
        code = getattr(error.orig, "pgcode", None)
        if code == "25006":
            mend = "it is read-only; give DATABASE_URL a server that can be written to."
        elif code == "42501":
            mend = f"{said}; the lab needs the right to create its schema {schema()}."
        elif code == "53100":
            mend = "its disk is full; make room, or run `lab data drop` to remove the lab's data."
        elif code == "55P03":
            mend = "somebody else is using the lab's tables; try again when they have finished."
        elif isinstance(error, OperationalError) and code is None:
            external = "start it, or unset DATABASE_URL"
            mend = f"cannot be reached ({said}); {external if _given() else 'try again'}."
        else:
            raise
        raise LabError(f"the database {where}: {mend}") from None


@contextmanager
def counted_statements(connection: Connection) -> Iterator[dict[str, int]]:
    """Count the statements that a connection sends, under the key ``statements``."""
    counts = {"statements": 0}

    def count(*_: object) -> None:
        counts["statements"] += 1

    event.listen(connection, "before_cursor_execute", count)
    try:
        yield counts
    finally:
        event.remove(connection, "before_cursor_execute", count)
