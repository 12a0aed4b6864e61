"""A CSV into a PostgreSQL table by COPY, which parses it: no bytes become text or rows here.

The table's types and constraints are the validation: at the first row that does not fit, COPY
stops, and `RefusedError` says which line it is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lab.toolbox.copy_in import copy_bytes
from lab.toolbox.csv_stream import LONGEST_ROW, read_rows, required_header, text_lines
from lab.toolbox.refused_error import RefusedError

LONGEST_SENTENCE = 300
"""Characters of an error of the database that are passed on."""


def copy_csv(db: Session, table: str, columns: Sequence[str], pieces: Iterable[bytes]) -> int:
    """Send a CSV to COPY and return the number of its rows; commit the session afterwards.

    Args:
        db: The session whose transaction is used.
        table: The table's name; it goes into SQL unquoted.
        columns: The columns that the header must name, in any order.
        pieces: The file, in pieces of any size.

    Raises:
        RefusedError: The header has other names, or a row does not fit into the table.
    """
    names, pieces = _header(pieces, columns)
    options = "format csv, header, encoding 'UTF8'"
    copy = f"copy {table} ({', '.join(names)}) from stdin ({options})"
    with _errors_by_line():
        return copy_bytes(db, copy, _checked(pieces))


def _header(pieces: Iterable[bytes], columns: Sequence[str]) -> tuple[list[str], Iterator[bytes]]:
    """Return the names in the first line, and all pieces without the byte order mark.

    The names go into SQL, so they must be the table's own. The line is sent too: COPY skips it,
    and counts lines as the client does.

    Raises:
        RefusedError: The names are not exactly the columns.
    """
    start, pieces = b"", iter(pieces)
    for piece in pieces:
        start += piece
        if len(start) > LONGEST_ROW or b"\n" in start or b"\r" in start:
            break
    start = start.removeprefix(b"\xef\xbb\xbf")
    first_line = text_lines(re.findall(rb"\A[^\r\n]+", start))
    names = required_header(read_rows(first_line), columns)
    if unknown := set(names) - set(columns):
        raise RefusedError(422, f"line 1 has unknown columns: {', '.join(sorted(unknown))}")
    return names, chain((start,), pieces)


def _checked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Pass pieces on while no row is too long and no line is ``\.``.

    The database repeats a wrong cell, of any length, in its error message. And PostgreSQL before
    18 takes that line for the end of the file, and drops the rest without an error.

    Raises:
        RefusedError: A row is too long, or a line is ``\.``.
    """
    before, quoted, length = b"\n", False, 0
    for piece in pieces:
        parts = piece.split(b'"')
        row_ends = any(b"\n" in part or b"\r" in part for part in parts[quoted::2])
        quoted ^= len(parts) % 2 == 0
        length = 0 if row_ends else length + len(piece)
        if length > LONGEST_ROW:
            most = f"{LONGEST_ROW:,} bytes"
            raise RefusedError(422, f"a row is longer than {most}: is a quote not closed?")
        window = before + piece
        if b"\\." in window and re.search(rb"[\r\n]\\\.[\r\n]", window):
            raise RefusedError(422, r"a line is \. alone, which may be taken for the file's end")
        before = window[-3:]
        yield piece


@contextmanager
def _errors_by_line() -> Iterator[None]:
    """Turn the database's error about a row into one sentence with the row's line.

    Raises:
        RefusedError: 409 for a key that exists, 422 for any other fault of the file.
    """
    try:
        yield
    except DBAPIError as error:
        code, diag = getattr(error.orig, "pgcode", None) or "", getattr(error.orig, "diag", None)
        # Classes of SQLSTATE: invalid data, a violated constraint, a key too long to index.
        if diag is None or code[:2] not in ("22", "23", "54"):
            raise
        where = re.match(r"COPY \w+, (line \d+(?:, column \w+)?)", diag.context or "")
        duplicate = code == "23505"
        reason = (diag.message_detail if duplicate else None) or diag.message_primary or code
        sentence = f"{where[1]}: {reason}" if where else reason
        raise RefusedError(409 if duplicate else 422, sentence[:LONGEST_SENTENCE]) from None
