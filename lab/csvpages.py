"""CSV by the page: many rows at a time, and the line that each starts on."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat
from operator import attrgetter
from typing import Any

from lab.csvstream import Cells

PAGE = 100
"""Rows. They are gone before the garbage collector looks for what lives; pages of a thousand rows
take half as long again."""


@dataclass(frozen=True)
class Page:
    """Rows that follow one another.

    Attributes:
        rows: Their cells; or, of a row that is no CSV, the error that says why.
        starts: The line that each starts on, counted from 1.
    """

    rows: list[Cells]
    starts: list[int]


def paged(numbered: Iterable[tuple[int, Cells]], batch: int) -> Iterator[Page]:
    """Yield rows that come with their lines, so many rows at a time."""
    numbered = iter(numbered)
    while found := list(islice(numbered, batch)):
        yield Page([row for _, row in found], [start for start, _ in found])


def read_pages(reader: Any, batch: int) -> Iterator[Page]:
    """Yield what a reader of the `csv` module reads, so many rows at a time or fewer.

    Nothing is written in Python here that happens for each row.
    """
    ends = map(attrgetter("line_num"), repeat(reader))
    while True:
        before, found = reader.line_num, list[tuple[Any, int]]()
        try:
            # What was read before an error is in the list by then.
            found.extend(islice(zip(reader, ends, strict=False), batch))
        except csv.Error as error:
            found.append((error, reader.line_num))
        if not found:
            return
        last_lines = [before, *(end for _, end in found)]
        yield Page([row for row, _ in found], [line + 1 for line in last_lines[:-1]])
