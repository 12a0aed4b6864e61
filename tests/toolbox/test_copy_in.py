"""Rows by COPY and a temporary table: errors stay what they are, imports do not deadlock."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lab.data.database import database
from lab.data.seed import build
from lab.toolbox.copy_in import copy_bytes, copy_in, copy_text, import_rows

COLUMNS = ("email", "name", "age", "can_export")


@pytest.fixture
def engine(own_schema):
    """A pool of two connections to a schema for this test, with the lab's tables."""
    build(own_schema, 1)
    with database(pool=2, wait=0.2) as engine:
        yield engine


def people(*numbers):
    return [(f"p{number}@b.c", "P", 1, True) for number in numbers]


def insert(db, pages):
    return import_rows(db, "users", "email", COLUMNS, pages)


def count(engine):
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from users")).scalar_one()


def test_two_files_go_into_one_transaction(engine):
    with Session(engine) as db:
        assert insert(db, [people(1, 2)]) == (2, 0)
        assert insert(db, [people(2, 3)]) == (1, 1)
        assert count(engine) == 0
        db.commit()
    assert count(engine) == 3


@pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_of_the_pages_comes_out_as_itself(engine, error):
    def pages():
        yield people(*range(50_000))
        raise error

    with Session(engine) as db, pytest.raises(type(error)) as caught:
        insert(db, pages())
    assert caught.value is error
    assert count(engine) == 0
    assert engine.pool.checkedout() == 0


def test_a_row_that_the_database_refuses_is_its_error(engine):
    with Session(engine) as db, pytest.raises(DBAPIError, match="invalid input syntax"):
        insert(db, [[("a@b.c", "A", "old", True)]])
    assert count(engine) == 0


def test_a_connection_that_is_lost_in_mid_copy_is_an_error_and_is_replaced(engine):
    with Session(engine) as db:
        mine = db.execute(text("select pg_backend_pid()")).scalar_one()

        def pages():
            yield people(1)
            with engine.begin() as other:
                other.execute(text("select pg_terminate_backend(:pid)"), {"pid": mine})
            for number in range(1_000_000):
                yield people(number)

        with pytest.raises(DBAPIError) as caught:
            insert(db, pages())
        assert caught.value.connection_invalidated
    assert engine.pool.checkedout() == 0
    assert count(engine) == 0


def test_empty_pages_are_not_the_end(engine):
    with Session(engine) as db:
        assert insert(db, [[], people(1), [], people(2), []]) == (2, 0)
        db.rollback()
        assert insert(db, []) == (0, 0)


def test_a_temporary_table_is_copied_into_under_its_own_name(engine):
    with Session(engine) as db:
        db.execute(text("create temporary table t (a text, b text)"))
        assert copy_in(db, "copy t from stdin", [[("a", "b"), ("\\N", "")]]) == 2
        assert db.execute(text("select * from t")).all() == [("a", "b"), ("\\N", "")]


def test_bytes_are_sent_as_they_are_and_an_empty_piece_is_not_the_end(engine):
    with Session(engine) as db:
        db.execute(text("create temporary table t (a text, b int)"))
        copy = "copy t from stdin (format csv)"
        assert copy_bytes(db, copy, [b"", b'"\xc3', b"", b'\xab\n",1', b"\n", b""]) == 1
        assert db.execute(text("select * from t")).all() == [("ë\n", 1)]
        assert copy_bytes(db, copy, []) == 0


def test_an_error_of_the_bytes_comes_out_as_itself(engine):
    error = KeyError("x")

    def pieces():
        yield b"a,1\n" * 50_000
        raise error

    with Session(engine) as db:
        db.execute(text("create temporary table t (a text, b int)"))
        with pytest.raises(KeyError) as caught:
            copy_bytes(db, "copy t from stdin (format csv)", pieces())
        assert caught.value is error


def test_ordinary_text_is_written_as_it_is_and_only_the_rest_escaped():
    assert copy_text([("a", 1, True)]) == "a\t1\tTrue\n"
    assert copy_text([("a\tb", "\\", "c\r\n")]) == "a\\tb\t\\\\\tc\\r\\n\n"


def both(engine, first, second):
    """Import two lists at once, on two connections, and return the two results."""
    results, ready = {}, threading.Barrier(2)

    def run(name, pages):
        def together():
            yield pages
            ready.wait(10)

        with Session(engine) as db:
            try:
                results[name] = insert(db, together())
                db.commit()
            except DBAPIError as error:
                results[name] = error

    threads = [
        threading.Thread(target=run, args=arguments) for arguments in (("a", first), ("b", second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results["a"], results["b"]


def test_two_imports_of_the_same_rows_in_opposite_order_put_each_row_once(engine):
    """Row by row they would deadlock, and the database would cancel one of them."""
    numbers = range(20_000)
    for round_ in range(3):
        a, b = both(engine, people(*numbers), people(*reversed(numbers)))
        assert sorted([a, b]) == [(0, 20_000), (20_000, 0)], round_
        assert count(engine) == 20_000
        with engine.begin() as connection:
            connection.execute(text("truncate users"))


def test_two_imports_of_some_rows_in_common_both_put_the_others(engine):
    a, b = both(engine, people(*range(10_000)), people(*range(14_999, 4_999, -1)))
    assert a[0] + b[0] == count(engine) == 15_000
    assert a[1] + b[1] == 5_000
