# wrong answer: it ends after 0 items
"""Count the numbers first, and find none left."""

from itertools import islice


def batch_sums(numbers):
    coming = iter(numbers)
    for _ in range(0, sum(1 for _ in coming), 1_000):
        if batch := list(islice(coming, 1_000)):
            yield sum(batch)
