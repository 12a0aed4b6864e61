"""Traps about queries change no data, and do not hold if what they say is false."""

import pytest
from sqlalchemy import text

from lab.data.database import database, schema
from lab.data.inputs import posts
from lab.patterns.rows import keyset_pages
from lab.traps import expiring_and_expunging, identity_map, offset_pages, queries
from lab.traps.private_posts import own_posts

pytestmark = pytest.mark.usefixtures("whole_table")


def lab_tables():
    """Return the tables of the lab's schema, and a digest of the first posts."""
    query = text("select tablename from pg_tables where schemaname = :schema order by 1")
    first = text("select md5(string_agg(p::text, '|')) from posts p where id <= 2000")
    with database() as engine, engine.connect() as connection:
        names = list(connection.scalars(query, {"schema": schema()}))
        return names, connection.scalar(first)


def test_a_trap_that_writes_leaves_the_lab_as_it_was():
    before = lab_tables()
    offset_pages.offset_pages_under_writes()
    expiring_and_expunging.expiring_discards_edits()
    assert lab_tables() == before


def test_own_posts_are_a_copy_that_no_other_session_sees():
    with own_posts(20) as db, posts(20) as other:
        db.execute(text("delete from posts where id > 5"))
        assert db.scalar(text("select count(*) from posts")) == 5
        assert other.scalar(text("select count(*) from posts")) == 20


def test_own_posts_are_gone_after_an_error():
    before = lab_tables()
    with pytest.raises(ZeroDivisionError), own_posts(20):
        1 / 0  # noqa: B018 - the error is what matters
    assert lab_tables() == before


def test_offset_traps_do_not_hold_for_correct_pages(monkeypatch):
    """With keyset pages in place of OFFSET pages, both traps say so."""
    monkeypatch.setattr(offset_pages, "offset_pages", keyset_pages)
    under_writes, again = (
        offset_pages.offset_pages_under_writes(),
        offset_pages.offset_pages_read_again(),
    )
    assert not under_writes.holds, under_writes
    assert under_writes.wrong == "0 of 2,000 rows missed, 0 twice"
    assert not again.holds, again


def test_a_trap_about_growth_does_not_hold_for_a_flat_curve(monkeypatch):
    monkeypatch.setattr(identity_map, "peaks", lambda *_: [(2_890_000, 2_890_000)] * 2)
    assert not identity_map.edited_objects_stay().holds


def test_the_trap_about_iterating_does_not_hold_for_a_query_that_streams(monkeypatch):
    flat, grown = (5_640_000, 5_650_000), (8_880_000, 26_000_000)
    monkeypatch.setattr(queries, "peaks", lambda *_: [flat, grown, flat])
    assert not queries.iterating_loads_everything().holds
