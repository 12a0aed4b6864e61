# grows, out of memory
"""Stream the rows, and send them as one chunk."""


def answer(*given):
    yield "".join(right(*given))
