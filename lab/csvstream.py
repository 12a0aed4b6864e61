"""CSV from bytes that arrive piece by piece, with a bound on all that has to be held.

Where a piece was cut matters to nobody: half a character and half a line wait for the next one.
A line, and a record whose quoted cells span several, may have `LONGEST` characters. Without that
bound, one line that never ends, or one quote that is never closed, would be held whole.
"""

import csv
import io
import re
from codecs import getincrementaldecoder
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any

from lab.multipart import RefusedError

LONGEST = 65_536
MOST_COLUMNS = 100

Row = Mapping[Any, Any]
"""Cells, by the columns they are in."""

Cells = list[str] | csv.Error
"""The cells of a row; or the error that says why it is no CSV."""

# Bytes that are not UTF-8 are decoded as lone surrogates, and found again where they are.
_NOT_TEXT = re.compile("[\0\udc80-\udcff]")


def text_lines(pieces: Iterable[bytes]) -> Iterator[str]:
    r"""Decode pieces of UTF-8, with or without a mark, and yield lines with their ends.

    A line ends with ``\n``, ``\r\n`` or a lone ``\r``.

    Raises:
        RefusedError: A line, named by its number, is too long or no text.
    """
    decoder = getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
    number, held = 0, ""
    for piece in chain(pieces, (None,)):
        last = piece is None
        text = held + decoder.decode(piece or b"", last)
        lines = io.StringIO(text, newline="").readlines()
        # A carriage return at the end may be the first half of a line's end.
        held = lines.pop() if lines and not last and not lines[-1].endswith("\n") else ""
        long = max(map(len, lines), default=0) > LONGEST
        yield from map(_checked, lines, count(number + 1)) if long or _odd(text) else lines
        number += len(lines)
        _checked(held, number + 1)


def _odd(text: str) -> bool:
    """Tell whether something in a text is no text; a search takes long, and is seldom needed."""
    return "\0" in text or not (text.isascii() or _NOT_TEXT.search(text) is None)


def _checked(line: str, number: int) -> str:
    if len(line) > LONGEST:
        raise RefusedError(422, f"line {number} is longer than {LONGEST:,} characters")
    if found := _NOT_TEXT.search(line):
        what = "holds a NUL" if found[0] == "\0" else "is not UTF-8"
        raise RefusedError(422, f"line {number} {what}: save the file as CSV in UTF-8")
    return line


def rows(lines: Iterable[str], columns: Collection[str]) -> Iterator[tuple[int, Row | csv.Error]]:
    """Yield each row after the header, by column, with the line it starts on.

    A row that is no CSV comes as the error that says why. Blank lines are passed over, and so are
    cells without a column.

    Raises:
        RefusedError: There is no header or a wrong one, a quote is never closed, or a record is
            too long.
    """
    header, numbered = records(lines, columns)
    for start, row in numbered:
        yield start, row if isinstance(row, csv.Error) else dict(zip(header, row, strict=False))


def records(
    lines: Iterable[str], columns: Collection[str]
) -> tuple[list[str], Iterator[tuple[int, Cells]]]:
    """Return the header, and what follows it as `rows` yields it, but as plain lists of cells.

    Raises:
        RefusedError: As `rows`; the header is read at once.
    """
    numbered = _numbered(_Record(lines))
    for start, row in numbered:
        if isinstance(row, csv.Error):
            raise RefusedError(422, f"line {start}, the header, is no CSV: {row}")
        return _header(row, start, columns), numbered
    raise RefusedError(422, "the file is empty: not even a header")


def _numbered(record: "_Record") -> Iterator[tuple[int, Cells]]:
    reader = csv.reader(record.lines(), strict=True)
    while True:
        start = record.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if record.at_end:
                raise RefusedError(422, f"a quote in line {start} is never closed") from None
            yield start, error
        else:
            if row:
                yield start, row


def _header(row: list[str], line: int, columns: Collection[str]) -> list[str]:
    if len(row) > MOST_COLUMNS:
        raise RefusedError(422, f"line {line} has {len(row):,} columns, and {MOST_COLUMNS} may be")
    if any(row.count(column) != 1 for column in columns):
        raise RefusedError(422, f"line {line} must name each column once: {', '.join(columns)}")
    return row


class _Record:
    """Lines on their way to the CSV reader, which asks for as many as the record has."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.at_end = False
        self._lines = lines
        self._start = self._number = self._length = 0

    def begin(self) -> int:
        """Begin another record and return the number of its first line."""
        self._start, self._length = self._number + 1, 0
        return self._start

    def lines(self) -> Iterator[str]:
        """Yield the lines, for the reader.

        Raises:
            RefusedError: The record is too long.
        """
        for line in self._lines:
            self._number += 1
            self._length += len(line)
            if self._length > LONGEST:
                raise RefusedError(
                    422,
                    f"the row that starts in line {self._start} is longer than {LONGEST:,} "
                    "characters: is a quote not closed?",
                )
            yield line
        self.at_end = True
