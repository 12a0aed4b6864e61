# grows, out of memory
"""Join all chunks into one."""


def answer(db):
    yield "".join(right(db))
