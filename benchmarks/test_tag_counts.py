"""Counted tags beside the SQL that counts them in the server."""

from benchmarks.compare import Compare
from benchmarks.psql import sql
from benchmarks.suite import Suite
from lab.pattern import Variant
from lab.patterns.tag_counts import PATTERN

MOST_FREQUENT = (
    "select tag, count(*) from (select unnest(tags) as tag from posts where published) as tags"
    ' group by tag order by count(*) desc, tag collate "C" limit 20'
)
SUITE = Suite(PATTERN, limit=sql(MOST_FREQUENT), tuned=1_000_000, streaming=50_000, naive=20_000)


@SUITE.variants
def test_tag_counts(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
