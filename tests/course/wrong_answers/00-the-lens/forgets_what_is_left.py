# wrong answer: it ends after 2 items
"""Make whole batches of one iterator, a thousand times beside itself; the rest is dropped."""


def batch_sums(numbers):
    coming = [iter(numbers)] * 1_000
    for batch in zip(*coming):
        yield sum(batch)
