# out of memory
"""Put every number into a list, and cut that."""


def batch_sums(numbers):
    everything = list(numbers)
    for start in range(0, len(everything), 1_000):
        yield sum(everything[start : start + 1_000])
