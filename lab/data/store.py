"""What the application's endpoints take from the database: sessions out of a small pool."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from lab.data.database import database
from lab.data.seed import ROWS, Built, build, built
from lab.data.worlds import narrow

POOL = int(os.environ.get("MEMORY_LAB_POOL", "5"))
"""Connections; a request that finds none within `WAIT` seconds is told to come back."""

WAIT = 1.0


@dataclass(frozen=True)
class Store:
    """A pool of connections to the lab's tables.

    Attributes:
        engine: It keeps `POOL` connections and raises ``sqlalchemy.exc.TimeoutError`` when none
            is free for `WAIT` seconds.
        built: What is in the tables.
    """

    engine: Engine
    built: Built

    @contextmanager
    def posts(self, rows: int | None = None) -> Iterator[Session]:
        """Yield a session that sees the first ``rows`` posts, or all; rolled back at the end."""
        with self.engine.connect() as connection, Session(connection) as db:
            # The view is made in the request's transaction and is gone with it.
            narrow(connection, self.built, self.built.rows if rows is None else rows)
            yield db

    @contextmanager
    def users(self) -> Iterator[Session]:
        """Yield a session on the table of users; whoever writes commits."""
        with Session(self.engine) as db:
            yield db


@contextmanager
def store(rows: int | None = None) -> Iterator[Store]:
    """Open the database, with at least so many posts in it; with those that are there, if any.

    Raises:
        LabError: The database cannot be reached, or is no PostgreSQL.
    """
    with database(pool=POOL, wait=WAIT) as engine:
        with engine.connect() as connection:
            there = built(connection)
        if there is None or there.rows < (rows or 0):
            there = build(engine, ROWS if rows is None else rows)
        yield Store(engine, there)
