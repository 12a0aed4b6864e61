# wrong answer
"""Yield the first item as often as there are items."""


def answer(*given):
    first = None
    for item in right(*given):
        first = item if first is None else first
        yield first
