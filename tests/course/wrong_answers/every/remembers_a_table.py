# wrong answer
"""Keep the answer to the first question in a table, and give it to every other one."""

import sys


def answer(*given):
    table = vars(sys).setdefault("a table", [])
    if not table:
        table.extend(right(*given))
    yield from table
