"""Downloads, compared with reading the file into one block of memory."""

from benchmarks.compare import Compare
from benchmarks.files import read_again
from benchmarks.suite import Suite
from lab.pattern import Variant
from lab.patterns.file_download import PATTERN

SUITE = Suite(
    PATTERN, limit=read_again, tuned=500_000_000, streaming=200_000_000, naive=100_000_000
)


@SUITE.variants
def test_file_download(variant: Variant, compare: Compare) -> None:
    compare(SUITE, variant)
