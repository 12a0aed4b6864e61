"""Sessions for the application's endpoints, from a small connection pool."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from lab.data.database import database
from lab.data.inputs import narrow
from lab.data.seed import ROWS, Built, build, built

POOL = int(os.environ.get("MEMORY_LAB_POOL", "5"))
"""Connections in the pool; a request that gets none within `WAIT` seconds is answered with 503."""

WAIT = 1.0
"""Seconds."""


@dataclass(frozen=True)
class Store:
    """A pool of connections to the lab's tables.

    Attributes:
        engine: Has `POOL` connections; raises ``sqlalchemy.exc.TimeoutError`` if none becomes free
            within `WAIT` seconds.
        built: The contents of the tables.
    """

    engine: Engine
    built: Built

    @contextmanager
    def posts(self, rows: int | None = None) -> Iterator[Session]:
        """Yield a session that sees the first ``rows`` posts, or all; roll it back at the end."""
        with self.engine.connect() as connection, Session(connection) as db:
            # The rollback of the request's transaction also drops the view.
            narrow(connection, self.built, self.built.rows if rows is None else rows)
            yield db

    @contextmanager
    def users(self) -> Iterator[Session]:
        """Yield a session on the table of users; the caller commits."""
        with Session(self.engine) as db:
            yield db


@contextmanager
def store(rows: int | None = None) -> Iterator[Store]:
    """Yield a pool on the database, with at least ``rows`` posts in it.

    Args:
        rows: Posts to build if there are fewer. None keeps the existing ones, or builds a million.

    Raises:
        LabError: The database cannot be reached, or is not PostgreSQL.
    """
    with database(pool=POOL, wait=WAIT) as engine:
        with engine.connect() as connection:
            data = built(connection)
        if data is None or data.rows < (rows or 0):
            data = build(engine, ROWS if rows is None else rows)
        yield Store(engine, data)
