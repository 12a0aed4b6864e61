"""Counts on a second connection: it sees the session's rows, and leaves nothing open."""

import pytest
from psycopg2.extensions import parse_dsn
from sqlalchemy import text

from lab.data.arrow import address
from lab.data.inputs import posts
from lab.data.pool import store
from lab.patterns import tag_counts
from lab.patterns.tag_counts import arrow_batches, group_by
from tests.helpers import wait_until

pytestmark = pytest.mark.usefixtures("whole_table")

ODD = "it's a\\ p@ss=word"


@pytest.mark.parametrize("sizes", [{"rows": 0}, {"rows": 700}, {"rows": 700, "keys": 1_000}])
def test_it_counts_the_rows_of_the_sessions_world_and_no_others(sizes):
    with posts(**sizes) as db:
        assert arrow_batches(db) == group_by(db)


def test_it_counts_what_a_request_is_shown_in_a_transaction_that_is_not_committed():
    with store() as opened:
        with opened.posts(300) as db:
            few = arrow_batches(db)
            assert few == group_by(db)
        with opened.posts() as db:
            assert arrow_batches(db) == group_by(db) != few


@pytest.mark.parametrize("chunk", [1, 4_096, 100_000_000])
def test_batches_of_any_size_are_the_same_counts(chunk, monkeypatch):
    monkeypatch.setattr(tag_counts, "CHUNK", chunk)
    with posts(2_000) as db:
        assert arrow_batches(db) == group_by(db)


def test_it_leaves_no_connection_open():
    mine = text(
        "select count(*) from pg_stat_activity"
        " where application_name = current_setting('application_name')"
    )
    with posts(100) as db:
        arrow_batches(db)
        # Within a transaction the view always shows the same state.
        assert wait_until(lambda: db.rollback() or db.scalar(mine) == 1)


def test_the_address_keeps_what_a_password_may_hold(monkeypatch):
    """The quoting of libpq preserves all of its characters."""
    with posts(1) as db:
        engine = db.get_bind().engine
        monkeypatch.setattr(engine, "url", engine.url.set(password=ODD))
        parsed = parse_dsn(address(db))
    assert parsed["password"] == ODD
    assert parsed["options"].startswith("-c search_path=")
