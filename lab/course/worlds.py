"""Worlds that a student has not seen: the lab's posts under other titles, and numbers by chance.

Each check draws a salt. What a cell remembers of another run, or has looked up beforehand, is wrong
in the next one, while sizes and costs stay the same.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from lab.data.database import database
from lab.data.seed import built, posts_ready
from lab.errors import LabError

OFFSETS = 5_000
"""The first post is one of so many."""


@contextmanager
def unseen_posts(rows: int, salt: int) -> Iterator[Session]:
    """Yield a session that reads so many posts and can change nothing."""
    with database() as engine, engine.connect() as connection:
        _in_disguise(connection, rows, salt)
        with Session(connection) as db:
            yield db


def _in_disguise(connection: Connection, rows: int, salt: int) -> None:
    """Put a view in front of the table of posts, for this connection alone."""
    first = salt % OFFSETS
    view = f"""
        create temporary view posts as
        select id,
            title || ' ' || substr(md5((id + {salt})::text), 1, 6) as title,
            body,
            author_id,
            mod(view_count::bigint * 31 + id + {salt}, 100000)::int as view_count,
            published,
            topics(id + {salt}) as tags,
            created_at + {salt % 86_400} * interval '1 second' as created_at
        from posts where id > {first} and id <= {first + rows}
    """  # noqa: S608 - numbers alone
    connection.exec_driver_sql(view)
    connection.exec_driver_sql("set default_transaction_read_only = on")
    connection.commit()


@contextmanager
def whole_posts(rows: int) -> Iterator[None]:
    """Hold the database open with so many posts to draw from, none of them missing.

    Raises:
        LabError: Somebody has deleted some.
    """
    with posts_ready(rows + OFFSETS), database() as engine, engine.connect() as connection:
        there = built(connection)
        found = connection.scalar(text("select count(*) from posts"))
        if there is None or found != there.rows:
            raise LabError(
                f"{found:,} posts are left where there should be {there.rows if there else rows:,}:"
                " run `lab data drop`, and they are made anew."
            )
        yield


@contextmanager
def unseen_numbers(size: int, salt: int) -> Iterator[Iterator[int]]:
    """Yield an iterator of so many whole numbers; the first or second thousand are all 0."""
    chance = random.Random(salt)  # noqa: S311 - data, not secrets
    first = 1_000 * (salt % 2)
    silent = range(first, first + 1_000)
    yield (0 if place in silent else chance.getrandbits(30) for place in range(size))
