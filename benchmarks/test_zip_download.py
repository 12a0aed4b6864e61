"""ZIP archives, compared with the `zip` command on the same bytes in as many files."""

from zipfile import ZIP_DEFLATED, ZIP_STORED

from benchmarks.compare import Compare
from benchmarks.files import zipped
from benchmarks.suite import Suite
from lab.pattern import Variant
from lab.patterns.zip_download import PATTERN

STORED = Suite(
    PATTERN,
    limit=zipped(ZIP_STORED),
    tuned=500_000_000,
    streaming=200_000_000,
    naive=100_000_000,
    name="zip_download, stored",
    options={"compression": ZIP_STORED},
)
DEFLATED = Suite(
    PATTERN,
    limit=zipped(ZIP_DEFLATED),
    tuned=20_000_000,
    streaming=20_000_000,
    naive=20_000_000,
    name="zip_download, deflated",
    options={"compression": ZIP_DEFLATED},
)


@STORED.variants
def test_stored(variant: Variant, compare: Compare) -> None:
    compare(STORED, variant)


@DEFLATED.variants
def test_deflated(variant: Variant, compare: Compare) -> None:
    compare(DEFLATED, variant)
