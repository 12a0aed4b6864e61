"""CSV in pages of many rows, with the number of the line that each row starts on."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat

from lab.toolbox.csv_stream import Cells, read_rows

PAGE = 100
"""Rows. They are freed before the garbage collector looks for live objects; pages of a thousand
rows take half as long again."""

LONG_ON_AVERAGE = 2_048
"""Characters of a line. Longer lines are read one by one: an empty cell takes eight bytes, so a
page of commas would take a hundred megabytes."""


@dataclass(frozen=True)
class Page:
    """Consecutive rows of a file.

    Attributes:
        rows: The cells of each row; or, of a row that is not valid CSV, its error.
        starts: The number of the line that each row starts on, from 1.
    """

    rows: list[Cells]
    starts: Sequence[int]


class PageReader:
    """The rows of a file, first one by one for the header, then in pages.

    Nearly always each line of a page is one row; `csv` parses such lines in one call, without
    Python code for each. All other lines go through `read_rows`, which bounds the rows.

    Attributes:
        rows: What `read_rows` yields.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = _Lookahead(lines)
        self.rows = read_rows(self._lines)

    def pages(self, batch: int) -> Iterator[Page]:
        """Yield the rows that are left, in pages of at most `batch` rows.

        Raises:
            RefusedError: A row is too long, or a quote is never closed.
        """
        lines = self._lines
        while group := lines.take(batch):
            if rows := _one_row_each(group):
                yield Page(rows, range(lines.number - len(group) + 1, lines.number + 1))
                continue
            lines.put_back(group)
            yield from _pages_of(lines.read_by(self.rows), 1 if _long(group) else batch)


def _pages_of(numbered: Iterator[tuple[int, Cells]], batch: int) -> Iterator[Page]:
    while group := list(islice(numbered, batch)):
        yield Page([row for _, row in group], [start for start, _ in group])


def _long(lines: list[str]) -> bool:
    """Tell whether lines are too long for a page; their cells may take ten times as much."""
    return sum(map(len, lines)) > len(lines) * LONG_ON_AVERAGE


def _one_row_each(lines: list[str]) -> list[Cells] | None:
    """Parse the lines if each is exactly one row (blank rows allowed), else return None."""
    if _long(lines):
        return None
    try:
        rows: list[Cells] = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None


class _Lookahead:
    """Lines that can be taken before the row reader reads them, and put back for it.

    The row reader counts its lines. So for each line that it has not seen, it is given a blank
    line, which it skips.

    Attributes:
        number: The number of the line that was taken or read last, from 1.
        left: Lines that were put back and not read yet, with the blank lines before them.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.number = self.left = self._unseen = 0
        self._lines = iter(lines)
        self._first: Iterator[str] = iter(())

    def take(self, count: int) -> list[str]:
        """Return the next lines, at most `count`; the row reader will not see them."""
        taken = list(islice(self._lines, count))
        self.number += len(taken)
        self._unseen += len(taken)
        return taken

    def put_back(self, lines: list[str]) -> None:
        """Put back the lines that were taken last."""
        blank = self._unseen - len(lines)
        self._first = chain(repeat("\n", blank), lines)
        self.left, self._unseen = self._unseen, 0

    def read_by(self, reader: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
        """Yield rows until all lines that were put back are read, and the last row is complete."""
        while self.left and (row := next(reader, None)):
            yield row

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.left:
            self.left -= 1
            return next(self._first)
        line = next(self._lines)
        self.number += 1
        return line
