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
    """An engine on a schema with a table that may be changed."""
    build(own_schema, ROWS)
    return own_schema


def missed(engine, pages) -> set[int]:
    """Export while exported rows are deleted; return the ids that exist and were not exported."""
    with Session(engine) as reader, engine.connect() as writer:
        exported: set[int] = set()
        for number, post in enumerate(rows_of(reader, pages), 1):
            exported.add(post.id)
            if number % BATCH == 0:
                first = sorted(exported)[:DELETED_PER_PAGE]
                writer.execute(text("delete from posts where id = any(:ids)"), {"ids": first})
                writer.commit()
                exported.difference_update(first)
        left = {row.id for row in writer.execute(text("select id from posts"))}
    return left - exported


def rows_of(db: Session, pages) -> Iterator:
    yield from pages(db, batch=BATCH)


@pytest.mark.parametrize(
    "trap",
    [v for p in PATTERNS for v in p.variants if v.fails_by == "answer under writes"],
    ids=lambda v: v.name,
)
def test_pages_by_offset_miss_rows_that_nobody_deleted(engine, trap):
    assert len(missed(engine, trap.run)) >= DELETED_PER_PAGE * (ROWS // BATCH - 2)


def test_keyset_pages_miss_none(engine):
    assert missed(engine, keyset_pages) == set()
