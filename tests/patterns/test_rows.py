"""Rows from the driver's own cursor: no cursor stays open, and the session can do other work."""

import pytest
from sqlalchemy import text

from lab.data.inputs import posts
from lab.patterns.rows import PATTERN, named_cursor

pytestmark = pytest.mark.usefixtures("whole_table")


def cursors(db):
    return db.scalar(text("select count(*) from pg_cursors where name like 'rows\\_%'"))


def test_a_reader_who_stops_early_leaves_no_cursor_behind():
    with posts(5_000) as db:
        rows = named_cursor(db, batch=10)
        assert next(rows).id == 1
        assert cursors(db) == 1
        rows.close()
        assert cursors(db) == 0
        assert sum(1 for _ in named_cursor(db)) == 5_000


def test_a_session_may_read_twice_at_once():
    with posts(100) as db:
        first, second = named_cursor(db, batch=7), named_cursor(db, batch=13)
        assert all(a == b for a, b in zip(first, second, strict=True))


def test_rows_are_the_same_as_those_of_sqlalchemy_value_by_value():
    with posts(500) as db:
        expected = [tuple(row) for row in PATTERN["columns_in_partitions"].run(db)]
        assert [tuple(row) for row in named_cursor(db, batch=100)] == expected


def test_no_rows_are_no_rows():
    with posts(0) as db:
        assert list(named_cursor(db)) == []
