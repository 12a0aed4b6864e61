# error in your code: where a response was wanted
"""Return the lines, and no response."""


def answer(engine, since, may_export):
    return lines(engine, since)
