# grows, out of memory
"""Look like a generator, and have everything in a list."""


def answer(*given):
    everything = list(right(*given))
    yield from everything
