"""An import that is killed half-way, in a process of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from uuid import uuid4

from sqlalchemy import Connection, text

from lab.data.database import database
from lab.interpreter import environment_with_lab
from lab.traps.trap import Sprung

ROWS = 20_000
_SAID_AFTER = 500


def killed_imports_leave_rows() -> Sprung:
    """An import that commits row by row and is killed half-way leaves the rows it got to.

    Nobody knows which ones they are, and the next attempt meets them. In one transaction a server
    that is killed, a client that hangs up and a row that fails all leave what was there before.
    Insert by the batch: that is the fast way as well.
    """
    with database() as engine, engine.connect() as connection:
        each, once = (_left_behind(connection, how) for how in ("each", "once"))
    return Sprung(
        wrong=f"{each:,} of {ROWS:,} rows left",
        right=f"{once:,} rows left by one transaction",
        holds=0 < each < ROWS and once == 0,
    )


def _left_behind(connection: Connection, how: str) -> int:
    with _own_table(connection) as table:
        run = f"from {__name__} import insert_users; insert_users({table!r}, {how!r})"
        command = [sys.executable, "-P", "-c", run]
        with Popen(command, stdout=PIPE, env=environment_with_lab()) as importing:
            assert importing.stdout is not None
            importing.stdout.readline()
            importing.kill()
        # The killed connection's transaction, if it has one, is not visible here.
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())  # noqa: S608 - our own name


@contextmanager
def _own_table(connection: Connection) -> Iterator[str]:
    """Make a table in a schema of its own, and drop both."""
    schema = f"memory_lab_trap_{uuid4().hex[:12]}"
    connection.execute(text(f"create schema {schema}"))
    connection.execute(text(f"create table {schema}.users (email text primary key)"))
    connection.commit()
    try:
        yield f"{schema}.users"
    finally:
        connection.rollback()
        connection.execute(text(f"drop schema {schema} cascade"))
        connection.commit()


def insert_users(table: str, how: str) -> None:
    """Insert users one by one, say so after some, and go on until killed."""
    insert = text(f"insert into {table} values (:email)")  # noqa: S608 - our own name
    with database() as engine, engine.connect() as connection:
        for number in range(1, ROWS + 1):
            connection.execute(insert, {"email": f"person.{number}@example.org"})
            if how == "each":
                connection.commit()
            if number == _SAID_AFTER:
                print("half-way", flush=True)
        connection.commit()
