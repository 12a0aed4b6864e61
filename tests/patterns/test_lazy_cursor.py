"""A block with a cursor closes it on every way out of the block."""

import pytest
from sqlalchemy import text

from lab.data.inputs import posts
from lab.patterns.lazy_cursor import PATTERN
from lab.patterns.rows import yield_per

pytestmark = pytest.mark.usefixtures("whole_table")

ROWS, BATCH = 1_000, 100
BLOCKS = [variant for variant in PATTERN.variants if variant.takes("batch")]
blocks = pytest.mark.parametrize("variant", BLOCKS, ids=lambda v: v.name)


def open_cursors(db):
    """Count the connection's open cursors; the query also shows that it is usable."""
    return db.scalar(text("select count(*) from pg_cursors where name <> ''"))


@pytest.mark.parametrize("name", ["server_side_cursor", "result_itself"])
def test_a_cursor_is_open_inside_the_block(name):
    with posts(ROWS) as db, PATTERN[name].run(db, batch=BATCH) as rows:
        next(iter(rows))
        assert open_cursors(db) == 1


@blocks
def test_a_break_leaves_no_cursor_open(variant):
    with posts(ROWS) as db:
        with variant.run(db, batch=BATCH) as rows:
            for row in rows:
                if row.id == BATCH + BATCH // 2:
                    break
        assert open_cursors(db) == 0
        assert db.scalar(text("select count(*) from posts")) == ROWS


def divide_in(block):
    with block as rows:
        for row in rows:
            row.id / 0


@blocks
def test_an_exception_leaves_no_cursor_open_and_comes_through(variant):
    with posts(ROWS) as db:
        with pytest.raises(ZeroDivisionError):
            divide_in(variant.run(db, batch=BATCH))
        assert open_cursors(db) == 0
        assert db.scalar(text("select count(*) from posts")) == ROWS


@blocks
def test_a_block_can_be_left_without_reading(variant):
    with posts(ROWS) as db:
        with variant.run(db, batch=BATCH):
            pass
        assert open_cursors(db) == 0


@blocks
def test_a_block_that_is_read_to_the_end_closes_too(variant):
    with posts(ROWS) as db:
        with variant.run(db, batch=BATCH) as rows:
            assert sum(1 for _ in rows) == ROWS
        assert open_cursors(db) == 0


def test_a_cursor_without_a_block_stays_open():
    """So the other tests would see a cursor that a block leaves open."""
    with posts(ROWS) as db:
        rows = yield_per(db, batch=BATCH)
        next(rows)
        assert open_cursors(db) == 1
