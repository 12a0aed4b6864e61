# grows, out of memory
"""Look like a generator, and have every number in a list."""


def answer(numbers):
    everything = list(numbers)
    yield from right(everything)
