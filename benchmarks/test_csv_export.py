r"""CSV exports, compared with psql's ``\copy`` of the same query."""

from benchmarks.compare import Compare
from benchmarks.psql import copied_out, first_posts
from benchmarks.suite import Suite
from lab.pattern import Variant
from lab.patterns.csv_export import PATTERN
from lab.patterns.shared.post_columns import joined_columns

SUITE = Suite(
    PATTERN,
    limit=copied_out(first_posts(joined_columns()), "format csv, header"),
    tuned=1_000_000,
    streaming=200_000,
    naive=5_000,
)


@SUITE.variants
def test_csv_export(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
