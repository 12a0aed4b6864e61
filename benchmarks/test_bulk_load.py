"""Imports of trusted files, all or nothing, compared with psql's copy of the same file."""

from functools import partial

from benchmarks.compare import Compare
from benchmarks.psql import copied_in
from benchmarks.suite import Suite
from lab.data.files import users_csv
from lab.pattern import Variant
from lab.patterns.bulk_load import PATTERN

SUITE = Suite(
    PATTERN,
    limit=copied_in(partial(users_csv, clean=True)),
    tuned=20_000_000,
    streaming=20_000_000,
    naive=20_000_000,
)


@SUITE.variants
def test_bulk_load(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
