"""Pages by OFFSET lose rows while others write; pages by key do not."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from lab.data.seed import build
from lab.patterns import PATTERNS
from lab.patterns.rows import keyset_pages

ROWS, BATCH, DELETED_PER_PAGE = 2_000, 100, 10


@pytest.fixture
def engine(own_schema):
    """A table of its own, that may be written to."""
    build(own_schema, ROWS)
    return own_schema


def missed(engine, pages) -> set[int]:
    """Export while somebody deletes rows that were exported already; what was never seen?"""
    with Session(engine) as reader, engine.connect() as writer:
        seen: set[int] = set()
        for number, post in enumerate(rows_of(reader, pages), 1):
            seen.add(post.id)
            if number % BATCH == 0:
                first = sorted(seen)[:DELETED_PER_PAGE]
                writer.execute(text("delete from posts where id = any(:ids)"), {"ids": first})
                writer.commit()
                seen.difference_update(first)
        left = {row.id for row in writer.execute(text("select id from posts"))}
    return left - seen


def rows_of(db: Session, pages) -> Iterator:
    yield from pages(db, batch=BATCH)


@pytest.mark.parametrize(
    "trap",
    [v for p in PATTERNS for v in p.variants if v.springs == "answer under writes"],
    ids=lambda v: v.name,
)
def test_pages_by_offset_miss_rows_that_nobody_deleted(engine, trap):
    assert len(missed(engine, trap.run)) >= DELETED_PER_PAGE * (ROWS // BATCH - 2)


def test_keyset_pages_miss_none(engine):
    assert missed(engine, keyset_pages) == set()
