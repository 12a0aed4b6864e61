"""Cursors from a context manager, compared with psql's copy of the same columns."""

from sqlalchemy import select

from benchmarks.compare import Compare
from benchmarks.psql import copied_out, first_posts
from benchmarks.suite import Suite
from lab.data.models import Post
from lab.pattern import Variant
from lab.patterns.lazy_cursor import PATTERN

SHOWN = select(Post.id, Post.title).order_by(Post.id)
SUITE = Suite(
    PATTERN, limit=copied_out(first_posts(SHOWN)), tuned=20_000, streaming=20_000, naive=10_000
)


@SUITE.variants
def test_lazy_cursor(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
