"""What PostgreSQL's COPY writes, as a generator: psycopg2 pushes it, and we pull.

Copy this file into your application; it needs psycopg2 and SQLAlchemy.

    def chunks() -> Iterator[bytes]:
        with engine.connect() as connection:
            yield from copied(connection, select(Post.id, Post.title), "format csv, header")

No row becomes a Python object that lives: the server writes the text, and psycopg2 hands it on row
by row to a file. It does not return before the last row, so it runs in a thread of its own, and the
file is a pipe. The pipe's capacity is what the thread can be ahead of its reader.

What the generator promises:

- An error of the query, or of the connection, is raised after the last chunk that came before it:
  what ended without an error is whole.
- Closed early, it has the query cancelled, also one that has not produced anything yet, and
  returns when the thread has ended. The connection can then be rolled back, or is invalidated.
- Where the query is silent it yields what has come, every second, be it nothing: whoever sends the
  chunks to a client can look whether the client is still there. The last rows, less than a buffer
  of the driver's side, come when that is full, or at the end.
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
"""Bytes that are worth a trip to a worker thread and back, and a write to a socket."""

SILENCE = 1.0
"""Seconds without a byte, after which a chunk is yielded as it is, even if it is empty."""

_AGAIN, _MOMENT = 0.1, 0.001
"""Seconds after which a query is cancelled again, and the pipe is looked at again."""


def copied(
    connection: Connection, query: SelectBase, options: str, chunk: int = CHUNK
) -> Generator[bytes, None, None]:
    """Yield what ``COPY (query) TO STDOUT (options)`` writes, in chunks of so many bytes.

    Args:
        connection: Of psycopg2; nothing else may use it until the generator has ended.
        query: What to copy; its parameters are quoted by the driver, as ever.
        options: COPY's own, as ``format csv, header``. They are SQL: none of a user's words.
        chunk: Bytes of a chunk, of the pipe and of the thread's buffer.

    Raises:
        psycopg2.Error: The query failed, or the connection did.
    """
    if not connection.in_transaction():
        connection.begin()  # as any statement does; what begins it unseen would not be rolled back
    driver: Any = connection.connection.driver_connection
    failed: list[BaseException] = []
    with driver.cursor() as cursor:
        statement = _statement(connection, cursor, query, options)
        reading, writing = _pipe(chunk)
        # Nobody waits at the interpreter's exit for a thread whose generator was never closed.
        copy = Thread(target=_push, args=(cursor, statement, writing, chunk, failed), daemon=True)
        try:
            copy.start()
            yield from _pull(reading, chunk, copy)
            copy.join()
        finally:
            if copy.ident is None:  # there was no room for another thread
                os.close(writing)
            _end(copy, driver, reading)
            os.close(reading)
            if lost := driver.closed != 0:
                connection.invalidate()
    if failed and lost:  # what psycopg2 says of it depends on the moment, and may be nothing
        raise psycopg2.OperationalError("the connection was lost in mid-COPY") from failed.pop()
    if failed:
        raise failed.pop()


def _statement(connection: Connection, cursor: Any, query: SelectBase, options: str) -> bytes:
    """Write the query out with its parameters: COPY takes none."""
    state = query.compile(dialect=connection.dialect).construct_expanded_state()
    values = {
        name: state.processors[name](value) if name in state.processors else value
        for name, value in state.parameters.items()
    }
    written: bytes = cursor.mogrify(state.statement, values)
    return b"copy (%b) to stdout (%b)" % (written, options.encode())


def _pipe(capacity: int) -> tuple[int, int]:
    """Make a pipe that holds so many bytes, where that can be asked for."""
    reading, writing = os.pipe()
    with suppress(ImportError, AttributeError, OSError):  # another system, or more than we may
        import fcntl

        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, capacity)
    os.set_blocking(reading, False)
    return reading, writing


def _push(cursor: Any, statement: bytes, fd: int, buffer: int, failed: list[BaseException]) -> None:
    """Run the COPY into the pipe, in a thread; leave an error for the reader."""
    try:
        with FileIO(fd, "wb") as pipe, BufferedWriter(pipe, buffer) as file:
            cursor.copy_expert(statement, file)
    except BaseException as error:
        failed.append(error)


def _pull(fd: int, chunk: int, copy: Thread) -> Generator[bytes, None, None]:
    """Read the pipe to its end, a chunk at a time.

    The end may not show: a process that was forked meanwhile holds the pipe open as well.
    """
    ready = select.poll()
    ready.register(fd, select.POLLIN)
    # One buffer for all: pieces of every size, made and let go, would leave the heap in holes.
    buffer = bytearray(chunk)
    with memoryview(buffer) as room, FileIO(fd, "rb", closefd=False) as pipe:
        length = 0
        while True:
            ended = not copy.is_alive()  # asked first: then all that it wrote is in the pipe
            got = pipe.readinto(room[length:])
            if got == 0 or (got is None and ended):
                break
            length += got or 0
            silent = got is None and not ready.poll(SILENCE * 1_000)
            if length == chunk or silent:
                yield bytes(room[:length])
                length = 0
        if length:
            yield bytes(room[:length])


def _end(copy: Thread, driver: Any, reading: int) -> None:
    """Have the query cancelled until the thread has ended; one that began late is asked again.

    What the thread still writes is read and dropped: closing the pipe would not free it where a
    forked process holds the pipe open.
    """
    while copy.is_alive():
        _cancel(driver)
        ends = time.monotonic() + _AGAIN
        while copy.is_alive() and time.monotonic() < ends:
            with suppress(BlockingIOError):
                os.read(reading, CHUNK)
            copy.join(_MOMENT)


def _cancel(driver: Any) -> None:
    with suppress(psycopg2.Error):  # what cannot be reached has ended, or will be told so by TCP
        driver.cancel()
