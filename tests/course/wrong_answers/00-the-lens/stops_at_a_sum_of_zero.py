# wrong answer: ; 0 should come next
"""Take a batch whose sum is 0 for the end."""

from itertools import islice


def batch_sums(numbers):
    coming = iter(numbers)
    while total := sum(islice(coming, 1_000)):
        yield total
