"""What a session keeps: no object without another reference, and every object with a change."""

import pytest
from sqlalchemy import inspect

from lab.data.inputs import posts
from lab.pattern import open_variant
from lab.patterns.identity_map import PATTERN

pytestmark = pytest.mark.usefixtures("whole_table")

ROWS, BATCH = 4_000, 500


def counts_of(name, **sizes):
    where = f"{PATTERN.module_name}:PATTERN"
    with open_variant(where, name, {"rows": ROWS, **sizes}) as run:
        return run().counts


@pytest.mark.parametrize("name", ["let_go", "expire_each_batch", "expunge_each_post"])
def test_the_map_never_knows_more_than_one_batch(name):
    """Plain streaming keeps no more objects than the variants that expire or expunge."""
    counts = counts_of(name, batch=BATCH)
    assert counts["in_map"] == BATCH
    assert counts["statements"] == 1


def test_the_map_knows_no_more_than_one_page():
    counts = counts_of("expunge_each_page", batch=BATCH)
    assert counts["in_map"] == BATCH
    assert counts["statements"] == ROWS // BATCH + 1


@pytest.mark.parametrize("name", ["keep_every_post", "edit_every_post"])
def test_the_map_knows_every_object_that_is_held(name):
    assert counts_of(name)["in_map"] == ROWS


def test_the_map_knows_nothing_of_columns():
    assert counts_of("columns")["in_map"] == 0


def test_assigning_the_same_value_makes_an_object_dirty():
    """The session keeps it, although a flush would write nothing."""
    with posts(rows=10) as db:
        for post in PATTERN["edit_every_post"].run(db):
            assert post in db.dirty
            assert not db.is_modified(post)
        del post
        assert len(db.identity_map) == 10


def test_an_expunged_post_can_still_be_read():
    with posts(rows=10) as db:
        shown = list(PATTERN["expunge_each_page"].run(db, batch=4))
        assert all(inspect(post).detached for post in shown)
        assert [post.id for post in shown] == list(range(1, 11))
        assert all(post.title for post in shown)
