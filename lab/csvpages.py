"""CSV by the page: many rows at a time, and the line that each starts on."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat

from lab.csvstream import Cells, records

PAGE = 100
"""Rows. They are gone before the garbage collector looks for what lives; pages of a thousand rows
take half as long again."""

LONG_ON_AVERAGE = 2_048
"""Characters of a line. Longer lines than that are taken one by one: a cell without a character
takes eight bytes, and a page of commas a hundred megabytes."""

LONGEST_ROW = 262_144
"""Characters; a row whose cells span lines may be longer than a line."""


@dataclass(frozen=True)
class Page:
    """Rows that follow one another.

    Attributes:
        rows: Their cells; or, of a row that is no CSV, the error that says why.
        starts: The line that each starts on, counted from 1.
    """

    rows: list[Cells]
    starts: Sequence[int]


def record_pages(
    lines: Iterable[str], columns: Collection[str], batch: int
) -> tuple[list[str], Iterator[Page]]:
    """Return the header, and what `records` finds after it, in pages of so many rows or fewer.

    Raises:
        RefusedError: As `records`.
    """
    again = _Again(lines)
    header, numbered = records(again, columns)
    return header, _pages(again, numbered, batch)


def _pages(again: "_Again", numbered: Iterator[tuple[int, Cells]], batch: int) -> Iterator[Page]:
    """Yield pages of what is nearly always lines that are a row each; the rest is left to a reader.

    For those lines nothing is written in Python that happens for each of them. The reader looks at
    each line that it gets, and sees that no row grows without a bound.
    """
    while group := again.take(batch):
        if found := _a_row_each(group):
            yield Page(found, range(again.number - len(group) + 1, again.number + 1))
            continue
        again.put_back(group)
        yield from paged(again.read_by(numbered), 1 if _long(group) else batch)


def paged(numbered: Iterable[tuple[int, Cells]], batch: int) -> Iterator[Page]:
    """Yield rows that come with their lines, so many rows at a time."""
    numbered = iter(numbered)
    while found := list(islice(numbered, batch)):
        yield Page([row for _, row in found], [start for start, _ in found])


def _long(lines: list[str]) -> bool:
    """Tell whether lines are longer than a page should hold; cells take ten times that."""
    return sum(map(len, lines)) > len(lines) * LONG_ON_AVERAGE


def _a_row_each(lines: list[str]) -> list[Cells] | None:
    """Return the rows of lines that are a row each, be it a blank one; else None."""
    if _long(lines):
        return None
    try:
        found: list[Cells] = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    return found if len(found) == len(lines) else None


class _Again:
    """Lines that can be taken out of their reader's sight, and put back before it.

    The reader counts its lines. So it is given a blank one for each that it has not seen, which
    it passes over.

    Attributes:
        number: Of the line that was taken or read last.
        left: Lines put back, and blank ones before them, that the reader has still to read.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.number = self.left = self._unseen = 0
        self._lines = iter(lines)
        self._first: Iterator[str] = iter(())

    def take(self, count: int) -> list[str]:
        """Return the next lines, which the reader will not see."""
        taken = list(islice(self._lines, count))
        self.number += len(taken)
        self._unseen += len(taken)
        return taken

    def put_back(self, lines: list[str]) -> None:
        """Let the reader have the lines that were taken last."""
        blank = self._unseen - len(lines)
        self._first = chain(repeat("\n", blank), lines)
        self.left, self._unseen = self._unseen, 0

    def read_by(self, reader: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
        """Yield rows until the reader has read all that was put back, and its last row's rest."""
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


def read_rows(lines: Iterable[str]) -> Iterator[tuple[int, Cells]]:
    """Yield what the `csv` module reads, with the line that each row starts on; no blank rows.

    Raises:
        ValueError: A row is longer than any honest one, though its lines are not.
    """
    start = length = 0

    def counted() -> Iterator[str]:
        nonlocal length
        for line in lines:
            length += len(line)
            if length > LONGEST_ROW:
                most = f"{LONGEST_ROW:,} characters"
                raise ValueError(f"the row that starts in line {start} is longer than {most}")
            yield line

    reader = csv.reader(counted())
    while True:
        start, length = reader.line_num + 1, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, error
        else:
            if row:
                yield start, row


def read_pages(
    lines: Iterable[str], batch: int, reject: Callable[[int, csv.Error], None]
) -> tuple[list[str], Iterator[Page]]:
    """Return the first row, or no cells, and what `read_rows` finds after it, in pages.

    Args:
        lines: With their ends.
        batch: Rows of a page, more or less.
        reject: Is told of what comes before the first row, and is no CSV.

    Raises:
        ValueError: As `read_rows`.
    """
    again = _Again(lines)
    numbered = read_rows(again)
    for line, row in numbered:
        if isinstance(row, csv.Error):
            reject(line, row)
        else:
            return row, _pages(again, numbered, batch)
    return [], iter(())
