"""Rows of a query as lists of text, from COPY; twice as fast as rows as objects.

It saves the time in which numbers become Python objects and then text again.
"""

import re
from collections.abc import Generator
from contextlib import closing

from sqlalchemy import Connection, SelectBase

from lab.toolbox.copy_out import copied

_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def copied_rows(connection: Connection, query: SelectBase) -> Generator[list[str], None, None]:
    """Yield the rows of a query, each a list of text.

    Raises:
        KeyError: A value is NULL.
        psycopg2.Error: The query failed, or the connection was lost.
    """
    rest = b""
    with closing(copied(connection, query, "format text, encoding 'UTF8'")) as blocks:
        for block in blocks:
            lines, _, rest = (rest + block).rpartition(b"\n")
            for line in lines.decode().split("\n") if lines else ():
                cells = line.split("\t")
                yield [_unescaped(cell) for cell in cells] if "\\" in line else cells


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda escape: _ESCAPES[escape[1]], text)
