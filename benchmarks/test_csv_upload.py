"""Imports of a spooled upload, compared with psql's copy of the same file."""

from benchmarks.compare import Compare
from benchmarks.psql import copied_in
from benchmarks.suite import Suite
from lab.data.files import users_csv
from lab.pattern import Variant
from lab.patterns.csv_upload import PATTERN

SUITE = Suite(
    PATTERN, limit=copied_in(users_csv), tuned=20_000_000, streaming=5_000_000, naive=2_000_000
)


@SUITE.variants
def test_csv_upload(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
