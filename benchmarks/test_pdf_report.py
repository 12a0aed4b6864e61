"""PDF reports, compared with psql's copy of the rows that they show."""

from benchmarks.compare import Compare
from benchmarks.psql import copied_out, first_posts
from benchmarks.suite import Suite
from lab.pattern import Variant
from lab.patterns.pdf_report import PATTERN, report_rows

SUITE = Suite(
    PATTERN,
    limit=copied_out(first_posts(report_rows())),
    tuned=400_000,
    streaming=10_000,
    naive=5_000,
)


@SUITE.variants
def test_pdf_report(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
