"""Rows as objects or tuples, compared with psql's copy of the same columns."""

from sqlalchemy import select

from benchmarks.compare import Compare
from benchmarks.psql import copied_out, first_posts
from benchmarks.suite import Suite
from lab.data.models import Post
from lab.pattern import Variant
from lab.patterns.rows import PATTERN

SHOWN = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
SUITE = Suite(
    PATTERN,
    limit=copied_out(first_posts(SHOWN)),
    tuned=100_000,
    streaming=50_000,
    naive=20_000,
    growth=128_000,
)


@SUITE.variants
def test_rows(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
