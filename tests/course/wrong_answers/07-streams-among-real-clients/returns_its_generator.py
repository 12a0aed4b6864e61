# error in your code: return a Response
"""Return the lines, and no response."""


def answer(engine, since, may_export):
    return lines(engine, since)
