"""Rows into a table of PostgreSQL by COPY, by way of a temporary one; needs psycopg2, SQLAlchemy.

COPY is the fastest way in, and stops at the first row that is there already. So it fills a table
that nobody else sees and that has no index; one INSERT at the end minds the duplicates. Until
then no row of the real table is locked, however long a client takes to send its file. All of it
is the caller's transaction: before the commit there is nothing, and a rollback leaves nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg2
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_CHUNK = 65_536
_HOSTILE = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_CAN_BE_MENDED = ("23505", "40P01")  # a row that is there already, or a deadlock


def import_rows(
    db: Session, table: str, key: str, columns: Sequence[str], pages: Iterable[Sequence[Any]]
) -> tuple[int, int]:
    """Insert rows where their key is new; return how many were inserted, and how many were not.

    Args:
        db: In whose transaction it is done; commit it afterwards.
        table: Where the rows go; this name and the columns' are taken as they are.
        key: The column with the unique index that tells what is new. The first of several rows
            with one key is taken.
        columns: The table's, in the order of the rows' values.
        pages: Lists of tuples of values, None excepted; each is asked for when the last is sent.

    Raises:
        sqlalchemy.exc.DBAPIError: The database refuses, or is gone.
        Exception: Whatever `pages` raises.
    """
    named = ", ".join(columns)
    staged = f"staged_{table.replace('.', '_')}"
    like = f"select {named} from {table}"  # noqa: S608 - names, and none that a client gave
    db.execute(text(f"create temporary table {staged} on commit drop as {like} with no data"))
    copied = copy_in(db, f"copy {staged} ({named}) from stdin (encoding 'UTF8')", pages)
    insert = f"insert into {table} ({named}) select {named} from {staged}"  # noqa: S608 - likewise
    inserted = _insert(db, insert, f"'{table}'::regclass::oid::bigint", key)
    db.execute(text(f"drop table {staged}"))  # there may be another file, and then the commit
    return inserted, copied - inserted


def _insert(db: Session, insert: str, lock: str, key: str) -> int:
    """Insert as if all were new, a third faster; where that fails, go back and mind the others.

    Imports that have the same rows wait for one another, and in a deadlock one is broken off: it
    too goes back, and goes on when no other inserts. An attempt that failed leaves a gap in the
    table's identities, and dead rows for vacuum.
    """
    try:
        with db.begin_nested():
            db.execute(text(f"select pg_advisory_xact_lock_shared({lock})"))
            return _count(db, insert)
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) not in _CAN_BE_MENDED:
            raise
    db.execute(text(f"select pg_advisory_xact_lock({lock})"))
    return _count(db, f"{insert} on conflict ({key}) do nothing")


def _count(db: Session, insert: str) -> int:
    return int(db.execute(text(insert)).rowcount)  # type: ignore[attr-defined]


def copy_in(db: Session, statement: str, pages: Iterable[Sequence[Any]]) -> int:
    """Send pages of rows to a ``COPY … FROM STDIN`` in its text format; return how many rows.

    Raises:
        sqlalchemy.exc.DBAPIError: The database refuses, or is gone.
        Exception: Whatever `pages` raises.
    """
    return copy_bytes(db, statement, (copy_text(page).encode() for page in pages if page))


def copy_bytes(db: Session, statement: str, pieces: Iterable[bytes]) -> int:
    """Send bytes to a ``COPY … FROM STDIN``, in the format that it names; return how many rows.

    The server takes one piece while the next is made, and lets us wait when it cannot keep up.

    Raises:
        sqlalchemy.exc.DBAPIError: The database refuses, or is gone. It may refuse at the first
            row, and is heard only when the last has been sent.
        Exception: Whatever `pieces` raises.
    """
    connection = db.connection()
    driver: Any = connection.connection.driver_connection
    source = _Source(pieces)
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(statement, source, _CHUNK)
        except psycopg2.Error as error:
            if source.failed is not None:
                raise source.failed from None
            gone = connection.dialect.is_disconnect(error, driver, cursor)
            if gone:
                connection.invalidate(error)
            raise DBAPIError.instance(
                statement, None, error, psycopg2.Error, connection_invalidated=gone
            ) from error
        return int(cursor.rowcount)


class _Source:
    """Pieces, whatever their sizes, as the file that psycopg2 reads from.

    An error in `read` would come out as the database's: "COPY failed, error in .read() call".
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.failed: BaseException | None = None
        self._pieces = filter(None, pieces)  # an empty one would be taken for the end

    def read(self, _: int) -> bytes:
        try:
            return next(self._pieces, b"")
        except BaseException as error:
            self.failed = error
            raise


def copy_text(rows: Sequence[tuple[Any, ...]]) -> str:
    r"""Write rows in COPY's text format, in which a tab in a value is ``\t``.

    Args:
        rows: Of one length; text is written as it is, all else as `str` would, None not at all.
    """
    one = ("\t".join(["%s"] * len(rows[0])) + "\n").__mod__
    written = "".join(map(one, rows))
    as_many = (len(rows) * (len(rows[0]) - 1), len(rows))
    odd = "\\" in written or "\r" in written
    if not odd and (written.count("\t"), written.count("\n")) == as_many:
        return written
    return "".join(one(tuple(str(value).translate(_HOSTILE) for value in row)) for row in rows)
