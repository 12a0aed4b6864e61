"""Data that a student has not seen: the lab's posts with other values, and random numbers.

Each check draws a salt, which changes the values but not the sizes and costs. So an answer that was
remembered from another run, or looked up beforehand, is wrong.
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
"""Number of possible first posts; the salt selects one."""


@contextmanager
def unseen_posts(rows: int, salt: int) -> Iterator[Session]:
    """Yield a read-only session whose table of posts has ``rows`` rows."""
    with database() as engine, engine.connect() as connection:
        show_unseen_posts(connection, rows, salt)
        with Session(connection) as db:
            yield db


def show_unseen_posts(connection: Connection, rows: int, salt: int, wider: int = 1) -> None:
    """Hide the table of posts behind a view with other values, for this connection alone.

    Args:
        connection: Becomes read-only.
        rows: Posts in the view.
        salt: Selects the first post and changes the values.
        wider: Factor for the length of the titles.
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
    """  # noqa: S608 - only numbers are inserted
    connection.exec_driver_sql(view)
    connection.exec_driver_sql("set default_transaction_read_only = on")
    connection.commit()


@contextmanager
def whole_posts(rows: int) -> Iterator[None]:
    """Keep the database open, with enough posts for ``rows`` rows after any first post.

    Raises:
        LabError: Posts have been deleted.
    """
    with posts_ready(rows + OFFSETS), database() as engine, engine.connect() as connection:
        expected = built(connection)
        count = connection.scalar(text("select count(*) from posts"))
        if expected is None or count != expected.rows:
            raise LabError(
                f"the database has {count:,} posts, but should have "
                f"{expected.rows if expected else rows:,}: run `lab data drop`, and the next check "
                "makes them again."
            )
        yield


@contextmanager
def unseen_numbers(size: int, salt: int) -> Iterator[Iterator[int]]:
    """Yield an iterator of ``size`` whole numbers; the first or the second thousand are all 0."""
    generator = random.Random(salt)  # noqa: S311 - data, not secrets
    first = 1_000 * (salt % 2)
    zeros = range(first, first + 1_000)
    yield (0 if place in zeros else generator.getrandbits(30) for place in range(size))


ROWS_OF_A_CLIENT = 1_200
"""Posts for each client; the salt adds up to a tenth."""


@contextmanager
def unseen_clients(clients: int, salt: int) -> Iterator[tuple[tuple[Session, int, int], ...]]:
    """Yield for each client a session, and the first and the last id that it asks for.

    The sessions share a connection and its transaction, in which each can have its own cursor. So
    another client adds the memory of the answer, but no connection.
    """
    rows = ROWS_OF_A_CLIENT + salt % (ROWS_OF_A_CLIENT // 10)
    with database() as engine, engine.connect() as connection:
        show_unseen_posts(connection, clients * rows, salt)
        first = salt % OFFSETS + 1
        with connection.begin(), ExitStack() as sessions:
            yield tuple(
                (sessions.enter_context(Session(connection)), start, start + rows - 1)
                for start in range(first, first + clients * rows, rows)
            )
