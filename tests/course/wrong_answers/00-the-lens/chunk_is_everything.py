# out of memory
"""Cut the numbers while they come, and add up when all are there."""

from itertools import islice


def batch_sums(numbers):
    coming = iter(numbers)
    batches = []
    while batch := list(islice(coming, 1_000)):
        batches.append(batch)
    yield from map(sum, batches)
