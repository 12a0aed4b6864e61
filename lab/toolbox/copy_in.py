"""Rows into a PostgreSQL table by COPY, through a temporary table; needs psycopg2 and SQLAlchemy.

COPY is the fastest way in, but it stops at the first row whose key exists. So it fills a temporary
table without an index, which no other session sees; one INSERT at the end handles the duplicates.
Until then no row of the real table is locked, however slowly a client sends its file. All of it is
in the caller's transaction: before the commit there is no row, and a rollback leaves none.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg2
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_CHUNK = 65_536
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_RETRIED = ("23505", "40P01")  # a key that exists, or a deadlock


def import_rows(
    db: Session, table: str, key: str, columns: Sequence[str], pages: Iterable[Sequence[Any]]
) -> tuple[int, int]:
    """Insert rows whose key is new; return the number inserted and the number of duplicates.

    Args:
        db: The session whose transaction is used; commit it afterwards.
        table: The table's name. This name and those of the columns go into SQL unquoted.
        key: The column with the unique index. Of several rows with one key, the first is taken.
        columns: The table's columns, in the order of the values of a row.
        pages: Lists of tuples of values, without None; each is taken when the last one is sent.

    Raises:
        sqlalchemy.exc.DBAPIError: The database refused a row, or the connection was lost.
        Exception: Any error of `pages`.
    """
    names = ", ".join(columns)
    staged = f"staged_{table.replace('.', '_')}"
    like = f"select {names} from {table}"  # noqa: S608 - names from code, none from a client
    db.execute(text(f"create temporary table {staged} on commit drop as {like} with no data"))
    copied = copy_in(db, f"copy {staged} ({names}) from stdin (encoding 'UTF8')", pages)
    insert = f"insert into {table} ({names}) select {names} from {staged}"  # noqa: S608 - likewise
    inserted = _insert(db, insert, f"'{table}'::regclass::oid::bigint", key)
    db.execute(text(f"drop table {staged}"))  # another file may follow before the commit
    return inserted, copied - inserted


def _insert(db: Session, insert: str, lock: str, key: str) -> int:
    """Insert as if all keys were new, which is a third faster; on a duplicate, insert the rest.

    Imports of the same rows wait for one another, and PostgreSQL breaks a deadlock by cancelling
    one of them: that one also rolls back, and continues when no other import inserts. A failed
    attempt leaves a gap in the table's identities, and dead rows for vacuum.
    """
    try:
        with db.begin_nested():
            db.execute(text(f"select pg_advisory_xact_lock_shared({lock})"))
            return _count(db, insert)
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) not in _RETRIED:
            raise
    db.execute(text(f"select pg_advisory_xact_lock({lock})"))
    return _count(db, f"{insert} on conflict ({key}) do nothing")


def _count(db: Session, insert: str) -> int:
    return int(db.execute(text(insert)).rowcount)  # type: ignore[attr-defined]


def copy_in(db: Session, statement: str, pages: Iterable[Sequence[Any]]) -> int:
    """Send pages of rows to a ``COPY … FROM STDIN`` in text format; return the number of rows.

    Raises:
        sqlalchemy.exc.DBAPIError: The database refused a row, or the connection was lost.
        Exception: Any error of `pages`.
    """
    return copy_bytes(db, statement, (copy_text(page).encode() for page in pages if page))


def copy_bytes(db: Session, statement: str, pieces: Iterable[bytes]) -> int:
    """Send bytes to a ``COPY … FROM STDIN`` in the statement's format; return the number of rows.

    The server reads one piece while the next is made; when it cannot keep up, the call blocks.

    Raises:
        sqlalchemy.exc.DBAPIError: The database refused a row, or the connection was lost. An
            error in the first row is raised only after the last piece has been sent.
        Exception: Any error of `pieces`.
    """
    connection = db.connection()
    driver: Any = connection.connection.driver_connection
    source = _Source(pieces)
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(statement, source, _CHUNK)
        except psycopg2.Error as error:
            if source.error is not None:
                raise source.error from None
            lost = connection.dialect.is_disconnect(error, driver, cursor)
            if lost:
                connection.invalidate(error)
            raise DBAPIError.instance(
                statement, None, error, psycopg2.Error, connection_invalidated=lost
            ) from error
        return int(cursor.rowcount)


class _Source:
    """Pieces of any size, as the file that psycopg2 reads from.

    psycopg2 reports an exception in `read` as an error of the database, so it is kept here.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.error: BaseException | None = None
        self._pieces = filter(None, pieces)  # an empty piece would mean the end of the file

    def read(self, _: int) -> bytes:
        try:
            return next(self._pieces, b"")
        except BaseException as error:
            self.error = error
            raise


def copy_text(rows: Sequence[tuple[Any, ...]]) -> str:
    r"""Write rows in COPY's text format, in which a tab in a value is ``\t``.

    Args:
        rows: Tuples of one length; each value is written as `str` writes it; None is not allowed.
    """
    row_text = ("\t".join(["%s"] * len(rows[0])) + "\n").__mod__
    written = "".join(map(row_text, rows))
    delimiters = (len(rows) * (len(rows[0]) - 1), len(rows))
    odd = "\\" in written or "\r" in written
    if not odd and (written.count("\t"), written.count("\n")) == delimiters:
        return written
    return "".join(row_text(tuple(str(value).translate(_ESCAPES) for value in row)) for row in rows)
