"""Counts of tags, compared with SQL that counts them in the database."""

from benchmarks.compare import Compare
from benchmarks.psql import sql
from benchmarks.suite import Suite
from lab.pattern import Variant
from lab.patterns.tag_counts import PATTERN, most_frequent

SUITE = Suite(PATTERN, limit=sql(most_frequent()), tuned=1_000_000, streaming=50_000, naive=10_000)


@SUITE.variants
def test_tag_counts(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
