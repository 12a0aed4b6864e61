"""NDJSON exports, compared with psql's copy of JSON that the database writes."""

from benchmarks.compare import Compare
from benchmarks.psql import copied_out
from benchmarks.suite import Suite
from lab.data.models import Post
from lab.pattern import Variant
from lab.patterns.ndjson_export import PATTERN, UNQUOTED, as_json, shown_columns

SUITE = Suite(
    PATTERN,
    limit=copied_out(lambda rows: as_json(shown_columns().where(Post.id <= rows)), UNQUOTED),
    tuned=300_000,
    streaming=100_000,
    naive=10_000,
)


@SUITE.variants
def test_ndjson_export(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
