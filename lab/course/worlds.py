"""Worlds that a student has not seen: the lab's posts under other titles, and numbers by chance.

Each check draws a salt. What a cell remembers of another run, or has looked up beforehand, is wrong
in the next one, while sizes and costs stay the same.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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
        in_disguise(connection, rows, salt)
        with Session(connection) as db:
            yield db


def in_disguise(connection: Connection, rows: int, salt: int, wider: int = 1) -> None:
    """Put a view in front of the table of posts, for this connection alone.

    Args:
        connection: It can change nothing from now on.
        rows: Posts that it shows.
        salt: What they are made from.
        wider: How many times as long their titles are.
    """
    first = salt % OFFSETS
    view = f"""
        create temporary view posts as
        select id,
            repeat(title || ' ' || substr(md5((id + {salt})::text), 1, 6), {wider}) as title,
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


ROWS_OF_A_CLIENT = 1_200
"""What a client asks for, and up to a tenth more."""


@contextmanager
def unseen_clients(clients: int, salt: int) -> Iterator[tuple[tuple[Session, int, int], ...]]:
    """Yield for each client a session, and the first and the last post that it asks for.

    The sessions share a connection and its transaction, on which each may have a cursor of its own:
    what is told apart by clients is what the answer holds for them, and not the driver.
    """
    rows = ROWS_OF_A_CLIENT + salt % (ROWS_OF_A_CLIENT // 10)
    with database() as engine, engine.connect() as connection:
        in_disguise(connection, clients * rows, salt)
        first = salt % OFFSETS + 1
        with connection.begin(), ExitStack() as sessions:
            yield tuple(
                (sessions.enter_context(Session(connection)), start, start + rows - 1)
                for start in range(first, first + clients * rows, rows)
            )
