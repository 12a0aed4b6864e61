"""The output of PostgreSQL's COPY as a generator, with psycopg2.

Copy this file into your application; it needs psycopg2 and SQLAlchemy.

    def chunks() -> Iterator[bytes]:
        with engine.connect() as connection:
            yield from copied(connection, select(Post.id, Post.title), "format csv, header")

Rows do not become Python objects: the server writes the text, and psycopg2 writes it row by row to
a file. psycopg2 returns only after the last row, so it runs in a thread, and the file is a pipe.
The thread can be ahead of the reader by the pipe's capacity.

What the generator guarantees:

- An error of the query or of the connection is raised after the last chunk before it. So output
  that ended without an error is complete.
- If it is closed early, it cancels the query, even one without output yet, and returns when the
  thread has ended. Then the connection can be rolled back, or it is invalidated.
- While the query is silent, it yields the bytes so far, or an empty chunk, once a second. So a
  caller that sends the chunks can check whether its client has disconnected. The last rows, less
  than a buffer of the writing thread, arrive when that is full or at the end.
"""

import os
import select
import time
from collections.abc import Generator
from contextlib import suppress
from io import BufferedWriter, FileIO
from threading import Thread
from typing import Any

import psycopg2
from sqlalchemy import Connection, SelectBase

CHUNK = 64 * 1024
"""Bytes; enough to be worth a switch to a worker thread and a write to a socket."""

SILENCE = 1.0
"""Seconds without a byte until an incomplete or empty chunk is yielded."""

_RECANCEL, _POLL = 0.1, 0.001
"""Seconds between two attempts to cancel a query, and between two reads of the pipe meanwhile."""


def copied(
    connection: Connection, query: SelectBase, options: str, chunk: int = CHUNK
) -> Generator[bytes, None, None]:
    """Yield what ``COPY (query) TO STDOUT (options)`` writes, in chunks.

    Args:
        connection: A connection with psycopg2; do not use it until the generator has ended.
        query: The rows to copy; the driver quotes its parameters.
        options: Options of COPY, as ``format csv, header``. They are SQL: no text of a user.
        chunk: Bytes of a chunk, of the pipe and of the thread's buffer.

    Raises:
        psycopg2.Error: The query failed, or the connection was lost.
    """
    if not connection.in_transaction():
        connection.begin()  # else a transaction that the driver begins would not be rolled back
    driver: Any = connection.connection.driver_connection
    errors: list[BaseException] = []
    with driver.cursor() as cursor:
        statement = _statement(connection, cursor, query, options)
        reading, writing = _pipe(chunk)
        # Daemon: the interpreter's exit does not wait for a generator that was never closed.
        copy = Thread(target=_push, args=(cursor, statement, writing, chunk, errors), daemon=True)
        try:
            copy.start()
            yield from _pull(reading, chunk, copy)
            copy.join()
        finally:
            if copy.ident is None:  # the thread could not be started
                os.close(writing)
            _end(copy, driver, reading)
            os.close(reading)
            if lost := driver.closed != 0:
                connection.invalidate()
    if errors and lost:  # psycopg2's own message varies, and may be empty
        raise psycopg2.OperationalError("the connection was lost in mid-COPY") from errors.pop()
    if errors:
        raise errors.pop()


def _statement(connection: Connection, cursor: Any, query: SelectBase, options: str) -> bytes:
    """Return the statement with the parameters as literals: COPY takes no parameters."""
    state = query.compile(dialect=connection.dialect).construct_expanded_state()
    values = {
        name: state.processors[name](value) if name in state.processors else value
        for name, value in state.parameters.items()
    }
    written: bytes = cursor.mogrify(state.statement, values)
    return b"copy (%b) to stdout (%b)" % (written, options.encode())


def _pipe(capacity: int) -> tuple[int, int]:
    """Return a pipe's two ends, with a capacity in bytes where the system can set one."""
    reading, writing = os.pipe()
    with suppress(ImportError, AttributeError, OSError):  # not Linux, or above its limit
        import fcntl

        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, capacity)
    os.set_blocking(reading, False)
    return reading, writing


def _push(cursor: Any, statement: bytes, fd: int, buffer: int, errors: list[BaseException]) -> None:
    """Run the COPY into the pipe, in a thread; append an error for the reader."""
    try:
        with FileIO(fd, "wb") as pipe, BufferedWriter(pipe, buffer) as file:
            cursor.copy_expert(statement, file)
    except BaseException as error:
        errors.append(error)


def _pull(fd: int, chunk: int, copy: Thread) -> Generator[bytes, None, None]:
    """Yield the pipe's content in chunks until the thread has ended.

    The pipe may have no end of file: a process that was forked meanwhile keeps it open too.
    """
    ready = select.poll()
    ready.register(fd, select.POLLIN)
    # One buffer: pieces of all sizes, allocated and freed, would fragment the heap.
    buffer = bytearray(chunk)
    with memoryview(buffer) as room, FileIO(fd, "rb", closefd=False) as pipe:
        length = 0
        while True:
            ended = not copy.is_alive()  # before the read: then all that it wrote is in the pipe
            count = pipe.readinto(room[length:])
            if count == 0 or (count is None and ended):
                break
            length += count or 0
            silent = count is None and not ready.poll(SILENCE * 1_000)
            if length == chunk or silent:
                yield bytes(room[:length])
                length = 0
        if length:
            yield bytes(room[:length])


def _end(copy: Thread, driver: Any, reading: int) -> None:
    """Cancel the query, again and again, until the thread has ended.

    The first request may come before the query has begun. What the thread still writes is read
    and dropped: closing the pipe would not unblock it where a forked process keeps it open.
    """
    while copy.is_alive():
        _cancel(driver)
        deadline = time.monotonic() + _RECANCEL
        while copy.is_alive() and time.monotonic() < deadline:
            with suppress(BlockingIOError):
                os.read(reading, CHUNK)
            copy.join(_POLL)


def _cancel(driver: Any) -> None:
    with suppress(psycopg2.Error):  # unreachable: it has ended, or TCP will end it
        driver.cancel()
