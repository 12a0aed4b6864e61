"""A trap about an import whose process is killed half-way."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from uuid import uuid4

from sqlalchemy import Connection, text

from lab.data.database import database
from lab.system.interpreter import environment_with_lab
from lab.traps.trap import Demonstration

ROWS = 20_000
_SIGNAL_AFTER = 500
"""Rows after which the child process prints a line, so that it can be killed."""


def killed_imports_leave_rows() -> Demonstration:
    """An import that commits each row and is killed leaves the rows committed so far.

    Nobody knows which rows these are, and the next attempt meets them. With one transaction the
    table is unchanged after a killed server, a client that hangs up, or a row that fails. Insert
    in batches: that is faster as well.
    """
    with database() as engine, engine.connect() as connection:
        each, once = (_left_behind(connection, how) for how in ("each", "once"))
    return Demonstration(
        wrong=f"{each:,} of {ROWS:,} rows left",
        right=f"{once:,} rows left with one transaction",
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
        # An open transaction of the killed process is not visible here.
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())  # noqa: S608 - our own name


@contextmanager
def _own_table(connection: Connection) -> Iterator[str]:
    """Yield the name of a table in its own schema; drop both afterwards."""
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
    """Insert users one by one and print a line half-way; runs in the process that is killed.

    Args:
        table: The name of the table, with its schema.
        how: ``each`` to commit each row, ``once`` for one transaction.
    """
    insert = text(f"insert into {table} values (:email)")  # noqa: S608 - our own name
    with database() as engine, engine.connect() as connection:
        for number in range(1, ROWS + 1):
            connection.execute(insert, {"email": f"person.{number}@example.org"})
            if how == "each":
                connection.commit()
            if number == _SIGNAL_AFTER:
                print("half-way", flush=True)
        connection.commit()
