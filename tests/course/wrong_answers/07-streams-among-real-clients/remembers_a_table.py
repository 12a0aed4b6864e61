# wrong answer
"""Keep the answer to the first question in a table, and give it to every other one."""

import sys


def answer(engine, since, may_export):
    response = right(engine, since, may_export)
    response.chunks = remembered(response.chunks, since)
    return response


def remembered(chunks, since):
    table = vars(sys).setdefault("a table", {})
    if since not in table:
        table[since] = list(chunks)
    yield from table[since]
