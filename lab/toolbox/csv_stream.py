"""CSV read a line and a row at a time, each of a bounded length.

Bytes may arrive in pieces of any size: half a character and half a line wait for the next piece. A
line, and a row whose quoted cells span several lines, may have `LONGEST_ROW` characters. Without
this bound, a line without an end, or a quote that is never closed, would be kept whole.
"""

import csv
import io
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any, TextIO

from lab.toolbox.refused_error import RefusedError

LONGEST_ROW = 65_536
"""Characters of a line or of a row."""

MOST_COLUMNS = 100

Row = Mapping[Any, Any]
"""Cells by column name."""

Cells = list[str] | csv.Error
"""The cells of a row; or, of a row that is not valid CSV, the error."""

# Bytes that are not UTF-8 are decoded as lone surrogates, so that the line can be named.
_NOT_TEXT = re.compile("[\0\udc80-\udcff]")


def text_lines(pieces: Iterable[bytes]) -> Iterator[str]:
    r"""Decode pieces of UTF-8, with or without a byte order mark, and yield lines with their ends.

    A line ends with ``\n``, ``\r\n`` or a lone ``\r``.

    Raises:
        RefusedError: A line is too long, is not UTF-8 or holds a NUL; the message has its number.
    """
    decoder = getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
    number, rest = 0, ""
    for piece in chain(pieces, (None,)):
        last = piece is None
        text = rest + decoder.decode(piece or b"", last)
        lines = io.StringIO(text, newline="").readlines()
        # A carriage return at the end may be the first half of a line end.
        rest = lines.pop() if lines and not last and not lines[-1].endswith("\n") else ""
        long = max(map(len, lines), default=0) > LONGEST_ROW
        yield from map(_checked, lines, count(number + 1)) if long or _odd(text) else lines
        number += len(lines)
        _checked(rest, number + 1)


def _odd(text: str) -> bool:
    """Tell whether a text has bytes that are not UTF-8, or a NUL; most texts need no search."""
    return "\0" in text or not (text.isascii() or _NOT_TEXT.search(text) is None)


def _checked(line: str, number: int) -> str:
    if len(line) > LONGEST_ROW:
        raise _too_long(number)
    if match := _NOT_TEXT.search(line):
        problem = "holds a NUL" if match[0] == "\0" else "is not UTF-8"
        raise RefusedError(422, f"line {number} {problem}: save the file as CSV in UTF-8")
    return line


def _too_long(number: int) -> RefusedError:
    return RefusedError(422, f"line {number} is longer than {LONGEST_ROW:,} characters")


def file_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file that is open as text, with their ends.

    Raises:
        RefusedError: A line is too long, or the file is not in its encoding, UTF-8.
    """
    number = 0
    try:
        while line := file.readline(LONGEST_ROW + 1):
            number += 1
            if len(line) > LONGEST_ROW:
                raise _too_long(number)
            yield line
    except UnicodeDecodeError:
        raise _not_utf8() from None


def decoded(content: bytes) -> str:
    """Decode a whole file of UTF-8, with or without a byte order mark.

    Raises:
        RefusedError: It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _not_utf8() -> RefusedError:
    return RefusedError(422, "the file is not UTF-8: save it as CSV in UTF-8")


def read_rows(lines: Iterable[str]) -> Iterator[tuple[int, Cells]]:
    """Yield the number of the line that each row starts on, and its cells; skip blank rows.

    A row that is not valid CSV comes as its error.

    Raises:
        RefusedError: A row is too long, or a quote is never closed.
    """
    source = _BoundedRows(lines)
    reader = csv.reader(source.lines(), strict=True)
    while True:
        start = source.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if source.at_end:
                raise RefusedError(422, f"a quote in line {start} is never closed") from None
            yield start, error
        else:
            if row:
                yield start, row


class _BoundedRows:
    """Lines for the CSV reader, which takes as many for a row as its quoted cells span."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.at_end = False
        self._lines = lines
        self._start = self._number = self._length = 0

    def begin(self) -> int:
        """Begin the next row and return the number of its first line."""
        self._start, self._length = self._number + 1, 0
        return self._start

    def lines(self) -> Iterator[str]:
        """Yield the lines.

        Raises:
            RefusedError: The row is too long.
        """
        for line in self._lines:
            self._number += 1
            self._length += len(line)
            if self._length > LONGEST_ROW:
                raise RefusedError(
                    422,
                    f"the row that starts in line {self._start} is longer than {LONGEST_ROW:,} "
                    "characters: is a quote not closed?",
                )
            yield line
        self.at_end = True


def required_header(numbered: Iterator[tuple[int, Cells]], columns: Collection[str]) -> list[str]:
    """Take the header from the rows; it must name each of the columns once.

    Raises:
        RefusedError: There is no header, or a column is missing or comes twice.
    """
    for line, row in numbered:
        if isinstance(row, csv.Error):
            raise RefusedError(422, f"line {line}, the header, is not valid CSV: {row}")
        if len(row) > MOST_COLUMNS:
            most = f"at most {MOST_COLUMNS} are allowed"
            raise RefusedError(422, f"line {line} has {len(row):,} columns: {most}")
        if any(row.count(column) != 1 for column in columns):
            names = ", ".join(columns)
            raise RefusedError(422, f"line {line} must name each column once: {names}")
        return row
    raise RefusedError(422, "the file is empty: it has no header")


def any_header(
    numbered: Iterator[tuple[int, Cells]], reject: Callable[[int, csv.Error], None]
) -> list[str]:
    """Take the header from the rows, whatever it names; an empty file has none.

    Args:
        numbered: What `read_rows` yields.
        reject: Called for each row before the header that is not valid CSV.
    """
    for line, row in numbered:
        if not isinstance(row, csv.Error):
            return row
        reject(line, row)
    return []


def by_column(
    header: list[str], numbered: Iterable[tuple[int, Cells]]
) -> Iterator[tuple[int, Row | csv.Error]]:
    """Yield rows as mappings; cells without a column are dropped, and errors pass through."""
    for line, row in numbered:
        yield line, row if isinstance(row, csv.Error) else dict(zip(header, row, strict=False))
