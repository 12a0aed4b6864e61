"""Add up numbers, a thousand at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice

BATCH = 1_000


def batch_sums(numbers: Iterable[int]) -> Iterator[int]:
    """Yield the sum of each 1,000 numbers, and of those that are left at the end."""
    coming = iter(numbers)
    while batch := list(islice(coming, BATCH)):
        yield sum(batch)
