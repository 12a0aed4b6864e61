"""Add up numbers, a thousand at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice

BATCH = 1_000


def batch_sums(numbers: Iterable[int]) -> Iterator[int]:
    """Yield the sum of each 1,000 numbers, and of the remaining ones at the end."""
    iterator = iter(numbers)
    while batch := list(islice(iterator, BATCH)):
        yield sum(batch)
