"""Pages drawn fast, column by column, into a template of the parts that all pages share.

The layout is that of `lab.toolbox.pdf.layout`, which still places each text that is not printable
ASCII or may be too long; a column without such a text needs only the codes of its letters.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import chain
from math import ceil

from pydyf import Stream  # type: ignore[import-untyped] # it ships no types

from lab.toolbox.deflate import fast
from lab.toolbox.pdf.fonts import EMBEDDED, runs, width
from lab.toolbox.pdf.layout import COLUMNS, LEADING, ROWS_PER_PAGE, SIZE, TOP, fitted, placed
from lab.toolbox.pdf.letters import Letters

LEVEL = 1
"""ISA-L's 3 takes twice the time for 3 % less; zlib's usual 6, eight times for a third less."""

AUTHORS = 1_024
"""Names that are cached as drawn, about 300 bytes each: many posts have the same author."""

_NUMBER, _TITLE, _AUTHOR, _VIEWS = COLUMNS

_STEP = 8
"""Thousandths of the font size; a letter's width in steps, rounded up, fits into a byte."""

Texts = Sequence[str]


class Sheets:
    """Draw the pages of one document, and collect their letters.

    Args:
        letters: The document's letters and fonts.
    """

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        header = (_cell(x, y, letters.codes(EMBEDDED, text)) for x, y, text in placed([]))
        holes = (_holes(TOP - LEADING * row) for row in range(1, ROWS_PER_PAGE + 1))
        self._template = ["\n".join(header), *holes]
        self._author = lru_cache(AUTHORS)(partial(shown, letters, room=_AUTHOR[1]))
        self._steps = _widths_in_steps()
        self._starts = {column: _starts_of_numbers(*column) for column in (_NUMBER, _VIEWS)}

    def draw(self, page: Sequence[Texts]) -> Stream:
        """Return the drawing of a page, whose rows are lists of text."""
        template = "\n".join(["BT", *self._template[: len(page) + 1], "ET"])
        drawn = template % tuple(self._fillings(page) if page else ())
        return Stream([fast.compress(drawn.encode(), LEVEL)], {"Filter": "/FlateDecode"})

    def _fillings(self, page: Sequence[Texts]) -> Iterable[object]:
        """Return what fills the holes, in their order; each column is computed at once."""
        numbers, titles, authors, views = zip(*page, strict=True)
        columns = (
            *self._to_the_right(numbers, _NUMBER),
            self._to_the_left(titles, _TITLE[1]),
            map(self._author, authors),
            *self._to_the_right(views, _VIEWS),
        )
        return chain.from_iterable(zip(*columns, strict=True))

    def _to_the_left(self, texts: Texts, room: float) -> list[str]:
        """Return the codes of each text of a column that is aligned left."""
        together = "".join(texts)
        if together.isascii() and together.isprintable():
            most = room * 1_000 // (SIZE * _STEP)
            if all(sum(text.encode().translate(self._steps)) <= most for text in texts):
                return self._letters.codes_of_each(texts)
        return [shown(self._letters, text, room) for text in texts]

    def _to_the_right(
        self, texts: Texts, column: tuple[int, int, bool]
    ) -> tuple[list[float], list[str]]:
        """Return x in points and the codes of each text of a column that is aligned right."""
        starts, together = self._starts[column], "".join(texts)
        if together.isascii() and together.isdecimal() and max(map(len, texts)) in starts:
            places = [starts[len(text)] for text in texts]
            return places, self._letters.codes_of_each(texts)
        left, room, _ = column
        places = [round(left + room - fitted(text, room)[1], 2) for text in texts]
        return places, [shown(self._letters, text, room) for text in texts]


def shown(letters: Letters, text: str, room: float) -> str:
    """Return the codes of a text, cut to `room` points, to stand between ``<`` and ``>``.

    Each hole is filled independently, so each text begins in the embedded font.
    """
    drawn, current = "", EMBEDDED
    for font, run in runs(fitted(text, room)[0]):
        change = "" if font == current else f"> Tj /{font} {SIZE} Tf <"
        drawn += change + letters.codes(font, run)
        current = font
    return drawn


def _holes(y: float) -> str:
    """Return a row of the template, with holes for what differs from page to page."""
    return "\n".join(_cell("%s" if to_right else left, y, "%s") for left, _, to_right in COLUMNS)


def _cell(x: object, y: float, codes: str) -> str:
    return f"1 0 0 1 {x} {y} Tm /{EMBEDDED} {SIZE} Tf <{codes}> Tj"


def _widths_in_steps() -> bytes:
    """Return a table for `bytes.translate` with the widths of printable ASCII, in steps."""
    printable = range(ord(" "), ord("~") + 1)
    return bytes(
        ceil(width(chr(code), 1_000) / _STEP) if code in printable else 0 for code in range(256)
    )


def _starts_of_numbers(left: float, room: float, _: bool) -> dict[int, float]:
    """Return x in points for each count of digits that fits: all digits have the same width."""
    lengths = ((count, width("0" * count, SIZE)) for count in range(1, 20))
    return {count: round(left + room - length, 2) for count, length in lengths if length <= room}
