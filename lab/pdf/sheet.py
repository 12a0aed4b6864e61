"""Pages drawn fast: texts by the column, into a template of what is the same on every page.

It is the page of `lab.pdf.layout`, which is asked about every text that is not printable ASCII or
may be too long; columns in which there is none need nothing but their codes.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import chain
from math import ceil

from pydyf import Stream  # type: ignore[import-untyped] # it ships no types

from lab.deflate import fast
from lab.pdf.fonts import EMBEDDED, runs, width
from lab.pdf.layout import COLUMNS, LEADING, ROWS_PER_PAGE, SIZE, TOP, fitted, placed
from lab.pdf.letters import Letters

LEVEL = 1
"""ISA-L's 3 takes twice the time for 3 % less; zlib's usual 6, eight times for a third less."""

AUTHORS = 1_024
"""Names that are kept as they were drawn, in some 300 bytes each: many posts have one author."""

_NUMBER, _TITLE, _AUTHOR, _VIEWS = COLUMNS

_STEP = 8
"""Thousandths of the size; a letter's width in whole steps, rounded up, fits into a byte."""

Texts = Sequence[str]


class Sheets:
    """What draws the pages of one document, and notes their letters."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        header = (_cell(x, y, letters.codes(EMBEDDED, text)) for x, y, text in placed([]))
        holes = (_holes(TOP - LEADING * row) for row in range(1, ROWS_PER_PAGE + 1))
        self._template = ["\n".join(header), *holes]
        self._author = lru_cache(AUTHORS)(partial(shown, letters, room=_AUTHOR[1]))
        self._steps = _widths_in_steps()
        self._starts = {column: _starts_of_numbers(*column) for column in (_NUMBER, _VIEWS)}

    def draw(self, page: Sequence[Texts]) -> Stream:
        """Draw a page, whose rows are texts, as an object of the document."""
        template = "\n".join(["BT", *self._template[: len(page) + 1], "ET"])
        drawn = template % tuple(self._fillings(page) if page else ())
        return Stream([fast.compress(drawn.encode(), LEVEL)], {"Filter": "/FlateDecode"})

    def _fillings(self, page: Sequence[Texts]) -> Iterable[object]:
        """Fill the holes, in their order; the columns are worked out one after the other."""
        numbers, titles, authors, views = zip(*page, strict=True)
        columns = (
            *self._to_the_right(numbers, _NUMBER),
            self._to_the_left(titles, _TITLE[1]),
            map(self._author, authors),
            *self._to_the_right(views, _VIEWS),
        )
        return chain.from_iterable(zip(*columns, strict=True))

    def _to_the_left(self, texts: Texts, room: float) -> list[str]:
        """Return the codes of each text."""
        together = "".join(texts)
        if together.isascii() and together.isprintable():
            most = room * 1_000 // (SIZE * _STEP)
            if all(sum(text.encode().translate(self._steps)) <= most for text in texts):
                return self._letters.codes_of_each(texts)
        return [shown(self._letters, text, room) for text in texts]

    def _to_the_right(
        self, texts: Texts, column: tuple[int, int, bool]
    ) -> tuple[list[float], list[str]]:
        """Return where each text begins, and its codes."""
        starts, together = self._starts[column], "".join(texts)
        if together.isascii() and together.isdecimal() and max(map(len, texts)) in starts:
            places = [starts[len(text)] for text in texts]
            return places, self._letters.codes_of_each(texts)
        left, room, _ = column
        places = [round(left + room - fitted(text, room)[1], 2) for text in texts]
        return places, [shown(self._letters, text, room) for text in texts]


def shown(letters: Letters, text: str, room: float) -> str:
    """Return the codes of a text, cut to its room, as they stand between ``<`` and ``>``.

    A hole is filled without regard to the one before, so every text begins in the embedded font.
    """
    drawn, current = "", EMBEDDED
    for font, run in runs(fitted(text, room)[0]):
        change = "" if font == current else f"> Tj /{font} {SIZE} Tf <"
        drawn += change + letters.codes(font, run)
        current = font
    return drawn


def _holes(y: float) -> str:
    """Write a row's part of the template, with holes for what differs from page to page."""
    return "\n".join(_cell("%s" if to_right else left, y, "%s") for left, _, to_right in COLUMNS)


def _cell(x: object, y: float, codes: str) -> str:
    return f"1 0 0 1 {x} {y} Tm /{EMBEDDED} {SIZE} Tf <{codes}> Tj"


def _widths_in_steps() -> bytes:
    """Return a table for `bytes.translate`: of a letter its width, if it is printable ASCII."""
    printable = range(ord(" "), ord("~") + 1)
    return bytes(
        ceil(width(chr(code), 1_000) / _STEP) if code in printable else 0 for code in range(256)
    )


def _starts_of_numbers(left: float, room: float, _: bool) -> dict[int, float]:
    """Return where a number begins, for each count of digits that has room: all are as wide."""
    widths = ((count, width("0" * count, SIZE)) for count in range(1, 20))
    return {count: round(left + room - long, 2) for count, long in widths if long <= room}
