"""Worlds: what a pattern's variants are given, at the sizes a measurement asks for.

Each is a pair: ``…_ready`` makes data and holds it for a whole sweep, outside of the measured
processes; the other opens it inside one. Nothing that a variant writes outlives its world.
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
"""Bytes of an upload that are kept in memory before it is put on disk, as Starlette does."""


@contextmanager
def posts(rows: int, keys: int | None = None) -> Iterator[Session]:
    """Yield a session in which the table of posts has so many rows, and so many distinct tags.

    The rows are the first ones of the lab's table, seen through a temporary view of the same name.
    ``session.info["statements"]`` counts the statements sent so far.
    """
    with database() as engine, engine.connect() as connection:
        there = built(connection)
        if there is None or there.rows < rows:
            connection.rollback()
            there = build(engine, rows)
        narrow(connection, there, rows, keys)
        connection.commit()
        with counted_statements(connection) as counts, Session(connection) as db:
            db.info.update(counts=counts)
            yield db


def narrow(connection: Connection, there: Built, rows: int, keys: int | None = None) -> None:
    """Put a view in front of the table where it would show more than was asked for."""
    same_keys = keys is None or keys == there.keys
    if same_keys and rows == there.rows:
        return
    tags = "tags" if same_keys else f"topics(id, {int(keys or 0)}) as tags"
    columns = f"id, title, body, author_id, view_count, published, {tags}, created_at"
    seen = f"select {columns} from posts where id <= {int(rows)}"  # noqa: S608 - two numbers
    connection.exec_driver_sql(f"create temporary view posts as {seen}")


@contextmanager
def download(bytes: int) -> Iterator[Path]:  # noqa: A002 - the axis has this name
    """Yield the path of a file of so many bytes."""
    yield download_file(bytes)


def download_ready(bytes: int, **_: int) -> AbstractContextManager[None]:  # noqa: A002
    """Have the file in place."""
    return files_ready(download_file, bytes)


@contextmanager
def upload(bytes: int, clean: bool = False) -> Iterator[tuple[IO[bytes], Session]]:  # noqa: A002
    """Yield a spooled CSV of so many bytes, as a framework hands it over, and a session.

    One row in 97 is invalid, unless the file is to be clean.
    The table of users is a temporary one, empty, and gone with the session's connection; two
    imports side by side do not meet.
    """
    with database() as engine, engine.connect() as connection:
        if built(connection) is None:
            connection.rollback()
            build(engine, 1)
        connection.execute(text("create temporary table users (like users including all)"))
        connection.commit()
        made = users_csv(bytes, clean)
        with SpooledTemporaryFile(max_size=_SPOOL) as file, made.open("rb") as source:
            while block := source.read(65_536):
                file.write(block)
            file.seek(0)
            with counted_statements(connection) as counts, Session(connection) as db:
                db.info.update(counts=counts)
                yield file, db


@contextmanager
def upload_ready(bytes: int, clean: bool = False, **_: int) -> Iterator[None]:  # noqa: A002
    """Hold the database open and have the file in place."""
    with posts_ready(1), files_ready(partial(users_csv, clean=clean), bytes):
        yield
