# error in your code: the lab's own answers
"""Have the lab's own variant answer."""

from lab.patterns.rows import yield_per as ours


def answer(*given):
    return ours and right(*given)
