"""Inputs of a pattern's variants, at the sizes of a measurement.

Each input is a pair of context managers. ``…_ready`` creates the data once for a whole sweep,
outside the measured processes (`Pattern.prepare`). The other one opens the data inside a measured
process and yields the variant's arguments (`Pattern.open_inputs`). What a variant writes is
discarded at the end of the block.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from lab.data.database import counted_statements, database
from lab.data.files import download_file, files_ready, users_csv
from lab.data.seed import Built, build, built, posts_ready

__all__ = ["download", "download_ready", "posts", "posts_ready", "upload", "upload_ready"]

_SPOOL = 1024 * 1024
"""Bytes of an upload kept in memory before it is written to disk, as in Starlette."""


@contextmanager
def posts(rows: int, keys: int | None = None) -> Iterator[Session]:
    """Yield a session that sees the first ``rows`` posts, with ``keys`` distinct tags.

    If these differ from the lab's table, a temporary view of the same name selects them.
    ``session.info["counts"]["statements"]`` counts the statements sent so far.
    """
    with database() as engine, engine.connect() as connection:
        data = built(connection)
        if data is None or data.rows < rows:
            connection.rollback()
            data = build(engine, rows)
        narrow(connection, data, rows, keys)
        connection.commit()
        with counted_statements(connection) as counts, Session(connection) as db:
            db.info.update(counts=counts)
            yield db


def narrow(connection: Connection, data: Built, rows: int, keys: int | None = None) -> None:
    """Create a temporary view over the table of posts unless it has these sizes already."""
    same_keys = keys is None or keys == data.keys
    if same_keys and rows == data.rows:
        return
    tags = "tags" if same_keys else f"topics(id, {int(keys or 0)}) as tags"
    columns = f"id, title, body, author_id, view_count, published, {tags}, created_at"
    query = f"select {columns} from posts where id <= {int(rows)}"  # noqa: S608 - two numbers
    connection.exec_driver_sql(f"create temporary view posts as {query}")


@contextmanager
def download(bytes: int) -> Iterator[Path]:  # noqa: A002 - the axis has this name
    """Yield the path of a file of ``bytes`` bytes."""
    yield download_file(bytes)


def download_ready(bytes: int, **_: int) -> AbstractContextManager[None]:  # noqa: A002
    """Create the file of `download` before the measurement starts."""
    return files_ready(download_file, bytes)


@contextmanager
def upload(bytes: int, clean: bool = False) -> Iterator[tuple[IO[bytes], Session]]:  # noqa: A002
    """Yield a spooled CSV of ``bytes`` bytes, as a framework passes it, and a session.

    One row in 97 is invalid; with ``clean`` none is. The table of users is temporary and empty, and
    it is dropped with the session's connection, so parallel imports do not meet.
    """
    with database() as engine, engine.connect() as connection:
        if built(connection) is None:
            connection.rollback()
            build(engine, 1)
        connection.execute(text("create temporary table users (like users including all)"))
        connection.commit()
        path = users_csv(bytes, clean)
        with SpooledTemporaryFile(max_size=_SPOOL) as file, path.open("rb") as source:
            while block := source.read(65_536):
                file.write(block)
            file.seek(0)
            with counted_statements(connection) as counts, Session(connection) as db:
                db.info.update(counts=counts)
                yield file, db


@contextmanager
def upload_ready(bytes: int, clean: bool = False, **_: int) -> Iterator[None]:  # noqa: A002
    """Keep the database running and create the file of `upload` before the measurement starts."""
    with posts_ready(1), files_ready(partial(users_csv, clean=clean), bytes):
        yield
