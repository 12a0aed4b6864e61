# out of memory
"""Count the numbers first, by way of `tee`, which keeps them for the second reader."""

from itertools import islice, tee


def batch_sums(numbers):
    first, second = tee(numbers)
    for _ in range(0, sum(1 for _ in first), 1_000):
        yield sum(islice(second, 1_000))
