"""COPY as a generator: errors are raised, a query closed early is cancelled, nothing stays open."""

import os
import signal
import threading
import time
import warnings
from itertools import islice

import psycopg2
import pytest
from sqlalchemy import column, func, literal, select, text, values
from sqlalchemy.exc import PendingRollbackError

from lab.data.database import database
from lab.toolbox import copy_out
from lab.toolbox.copy_out import CHUNK, copied
from tests.helpers import wait_until

CSV = "format csv"

pytestmark = pytest.mark.usefixtures("whole_table")


@pytest.fixture
def engine():
    with database(pool=1, wait=1.0) as engine:
        yield engine


@pytest.fixture
def connection(engine):
    with engine.connect() as connection:
        yield connection


def pipes():
    links = []
    for entry in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{entry}"))
        except OSError:
            continue
    return sum(name.startswith("pipe:") for name in links)


N = column("n")


def numbers(count, shown=N):
    """Select rows that the server generates one by one, without collecting them first."""
    return select(shown).select_from(select(func.generate_series(1, count).label("n")).subquery())


def asleep(seconds):
    return select(func.pg_sleep(seconds))


def others(engine):
    """Return the state of the pool's one connection, seen from another connection."""
    query = "select state from pg_stat_activity where application_name = %s and pid <> %s"
    with database() as another, another.connect() as c:
        pid = c.connection.driver_connection.info.backend_pid
        name = f"memory-lab-{os.getpid()}"
        return list(c.exec_driver_sql(query, (name, pid)).scalars())


def test_all_comes_in_chunks_of_the_size_that_was_asked_for(connection):
    chunks = list(copied(connection, numbers(200_000), CSV))
    assert b"".join(chunks) == "".join(f"{n}\n" for n in range(1, 200_001)).encode()
    assert {len(chunk) for chunk in chunks[:-1]} == {CHUNK}
    assert 0 < len(chunks[-1]) <= CHUNK


@pytest.mark.parametrize("chunk", [1, 100, 1_048_576])
def test_the_size_of_a_chunk_changes_nothing_else(connection, chunk):
    chunks = list(copied(connection, numbers(3_000), CSV, chunk))
    assert b"".join(chunks) == "".join(f"{n}\n" for n in range(1, 3_001)).encode()


def test_no_rows_are_no_chunks_or_a_header(connection):
    nothing = select(literal(1).label("n")).where(text("false"))
    assert list(copied(connection, nothing, CSV)) == []
    assert list(copied(connection, nothing, "format csv, header")) == [b"n\n"]


@pytest.mark.parametrize(
    "value",
    ["100 %", "%s", "%(name)s", "it's", 'a "b"', "back\\slash", "\\.", "Ł;--", ":name", "$1"],
)
def test_parameters_are_values_and_never_sql(connection, value):
    query = select(literal(value)).where(literal(value).in_([value, "other"]))
    assert b"".join(copied(connection, query, "format text")).decode() == (
        value.replace("\\", "\\\\") + "\n"
    )


def test_a_list_of_any_length_is_quoted_too(connection):
    several = values(column("n"), name="v").data([(n,) for n in range(5)])
    query = select(several.c.n).where(several.c.n.in_([1, 3, 9])).order_by(several.c.n)
    assert b"".join(copied(connection, query, CSV)) == b"1\n3\n"


def test_an_error_in_mid_copy_comes_after_the_chunks_before_it(connection):
    received = []
    failing = numbers(1_000_000, text("1 / (n - 500000)"))
    with pytest.raises(psycopg2.errors.DivisionByZero):
        received.extend(copied(connection, failing, CSV))
    assert received
    connection.rollback()
    assert connection.scalar(text("select 1")) == 1


def test_an_error_before_the_first_row_is_raised_by_the_first_next(connection):
    with pytest.raises(psycopg2.errors.UndefinedTable):
        next(copied(connection, select(text("*")).select_from(text("no_such_table")), CSV))


def test_a_statement_that_takes_too_long_is_an_error_and_no_short_file(connection):
    connection.execute(text("set local statement_timeout = '300ms'"))
    slow = numbers(100, text("repeat('x', 100000) || pg_sleep(0.02)"))
    with pytest.raises(psycopg2.errors.QueryCanceled, match="statement timeout"):
        list(copied(connection, slow, CSV))


def test_a_connection_that_is_killed_is_an_error_and_is_not_used_again(engine):
    with engine.connect() as connection:
        pid = connection.connection.driver_connection.info.backend_pid
        chunks = copied(connection, numbers(5_000_000), CSV)
        next(chunks)
        with database() as another, another.connect() as c:
            c.execute(select(func.pg_terminate_backend(pid)))
        with pytest.raises(psycopg2.OperationalError, match="lost in mid-COPY"):
            list(chunks)
        assert connection.invalidated
        with pytest.raises(PendingRollbackError):
            connection.execute(text("select 1"))
    with engine.connect() as connection:
        assert connection.scalar(text("select 1")) == 1


@pytest.mark.parametrize("read", [1, 2, 10])
def test_closed_early_the_query_is_cancelled_and_the_connection_good(engine, connection, read):
    before = pipes()
    chunks = copied(connection, numbers(100_000_000), CSV)
    assert len(list(islice(chunks, read))) == read
    began = time.monotonic()
    chunks.close()
    assert pipes() == before
    connection.rollback()
    assert time.monotonic() - began < 30, "a hundred million rows are not read to their end"
    assert connection.scalar(text("select 1")) == 1


def test_a_query_that_is_silent_yields_empty_chunks_and_can_be_left(connection, monkeypatch):
    monkeypatch.setattr(copy_out, "SILENCE", 0.05)
    chunks = copied(connection, asleep(3_600), CSV)
    assert [next(chunks), next(chunks)] == [b"", b""]
    chunks.close()
    connection.rollback()
    assert connection.scalar(text("select 1")) == 1


def test_a_query_that_trickles_yields_what_there_is(connection, monkeypatch):
    """The last rows are less than the writing thread's buffer, so they come at the end."""
    monkeypatch.setattr(copy_out, "SILENCE", 0.05)
    trickle = numbers(4, text("repeat('x', 50000) || pg_sleep(0.2)"))
    sizes = [len(chunk) for chunk in copied(connection, trickle, CSV)]
    assert sum(sizes) == 4 * 50_001
    assert 0 in sizes
    assert any(0 < size < CHUNK for size in sizes[:-1])


def test_a_cancel_that_came_too_early_is_sent_again(connection, monkeypatch):
    monkeypatch.setattr(copy_out, "SILENCE", 0.01)
    cancel, cancels = copy_out._cancel, []

    def lost_at_first(driver):
        cancels.append(driver)
        if len(cancels) > 2:
            cancel(driver)

    monkeypatch.setattr(copy_out, "_cancel", lost_at_first)
    chunks = copied(connection, asleep(3_600), CSV)
    next(chunks)
    chunks.close()
    assert len(cancels) >= 3
    connection.rollback()


@pytest.fixture
def fork():
    """Fork an idle process that inherits all open descriptors; it ends with the test."""
    forked = []

    def in_mid_copy():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside a thread
            child = os.fork()
        if child == 0:
            signal.pause()
        forked.append(child)

    yield in_mid_copy
    for child in forked:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_process_forked_in_mid_copy_does_not_keep_it_from_its_end(connection, monkeypatch, fork):
    monkeypatch.setattr(copy_out, "SILENCE", 0.05)
    chunks = copied(connection, numbers(200_000), CSV)
    size = len(next(chunks))
    fork()
    assert size + sum(map(len, chunks)) == sum(len(f"{n}\n") for n in range(1, 200_001))


def test_a_process_forked_in_mid_copy_does_not_keep_it_from_being_left(connection, fork):
    chunks = copied(connection, numbers(100_000_000), CSV)
    next(chunks)
    fork()
    chunks.close()
    connection.rollback()
    assert connection.scalar(text("select 1")) == 1


def test_a_thread_that_cannot_start_leaves_no_pipe(connection, monkeypatch):
    def full(self):
        raise RuntimeError("can't start new thread")

    before = pipes()
    monkeypatch.setattr(threading.Thread, "start", full)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        next(copied(connection, numbers(1), CSV))
    assert pipes() == before


def test_fifty_that_are_left_leave_nothing(engine):
    before = pipes(), threading.active_count()
    for number in range(50):
        with engine.connect() as connection:
            chunks = copied(connection, numbers(10_000_000), CSV)
            list(islice(chunks, number % 4))
            chunks.close()
    assert (pipes(), threading.active_count()) == before
    assert wait_until(lambda: others(engine) == ["idle"])  # a backend ends after its connection


def test_what_was_never_started_takes_nothing(connection):
    before = pipes()
    copied(connection, numbers(10), CSV).close()
    assert pipes() == before


def test_the_file_stands_alone():
    """It can be copied: it imports nothing of the lab."""
    with open(copy_out.__file__, encoding="utf-8") as source:
        assert "from lab" not in source.read()
