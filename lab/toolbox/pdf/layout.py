"""The pages of the report: 48 rows on each, and each text within its column."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from lab.toolbox.pdf.fonts import width

HEADER = ("id", "title", "author", "views")
ROWS_PER_PAGE = 48
SIZE = 9
LEADING = 15
TOP = 785

COLUMNS = ((40, 45, True), (95, 260, False), (365, 125, False), (500, 55, True))
"""Left edge and width in points, and whether the text ends at the right edge."""


def pages(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the rows of each page; a report without rows has one page."""
    left = iter(rows)
    page = list(islice(left, ROWS_PER_PAGE))
    while True:
        yield page
        page = list(islice(left, ROWS_PER_PAGE))
        if not page:
            return


def placed(page: Iterable[Any]) -> Iterator[tuple[float, float, str]]:
    """Yield each text of a page after its left end, x and y in points, in reading order."""
    y = TOP
    for row in (HEADER, *page):
        for (left, room, to_right), value in zip(COLUMNS, row, strict=True):
            text, length = fitted(str(value), room)
            if text:
                yield round(left + room - length, 2) if to_right else left, y, text
        y -= LEADING


def fitted(text: str, room: float) -> tuple[str, float]:
    """Return a text on one line, its end cut off beyond `room` points, and its width."""
    if not text.isprintable():
        text = " ".join(text.split())
    text = text[:200]
    length = width(text, SIZE)
    while length > room:
        text = text.removesuffix("…")[:-1] + "…"
        length = width(text, SIZE)
    return text, length
