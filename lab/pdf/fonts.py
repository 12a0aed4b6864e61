"""Letters for a PDF: which font can show each of them, and how wide it is.

Most letters come from a font that is embedded, cut down to the glyphs that were used: DejaVu Sans,
which Matplotlib brings, or else Bitstream Vera, which ReportLab brings and which has only western
European letters. Japanese ones, and what else JIS X 0208 has, come from a font that is named and
not embedded: every reader knows its encoding (ISO 32000-1, 9.7.5.2) and is to bring a substitute.
On a machine without any Japanese font they can be copied and searched, and not seen. What neither
font has is refused.
"""

import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.pdfbase.ttfonts import TTFontFile  # type: ignore[import-untyped] # ships no types

from lab.errors import LabError

EMBEDDED, JAPANESE = "F1", "F2"
"""The names that the fonts have in a document."""

JAPANESE_FONT = "HeiseiKakuGo-W5"

_PLACES = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("reportlab", "fonts/Vera.ttf"),
)


class CannotShowError(LabError):
    """A letter that no font of the report has."""

    def __init__(self, char: str) -> None:
        name = unicodedata.name(char, "no name")
        super().__init__(
            f"the report cannot show {char!r} (U+{ord(char):04X}, {name}): none of its fonts can; "
            "leave out the rows that have it."
        )


def runs(text: str) -> list[tuple[str, str]]:
    """Cut text into pieces of one font each, and name the font.

    Raises:
        CannotShowError: No font has one of the letters.
    """
    if text.isascii() and text.isprintable():
        return [(EMBEDDED, text)] if text else []
    return [(font, "".join(letters)) for font, letters in groupby(text, font_of)]


@lru_cache(maxsize=4096)
def font_of(char: str) -> str:
    """Return the font that shows a letter.

    Raises:
        CannotShowError: There is none. Letters that are written from right to left, and marks
            that are set onto others, are not placed by the lab even where a font has them.
    """
    placed = unicodedata.bidirectional(char) not in {"R", "AL"}
    if placed and unicodedata.category(char)[0] not in "CM" and ord(char) <= 0xFFFF:
        if ord(char) in font_file().charToGlyph:
            return EMBEDDED
        if _in_jis(char):
            return JAPANESE
    raise CannotShowError(char)


def width(text: str, size: float) -> float:
    """Return the width of a line in points."""
    return sum(map(_thousandths, text)) * size / 1000


@lru_cache(maxsize=4096)
def _thousandths(char: str) -> float:
    if font_of(char) == EMBEDDED:
        return float(font_file().charWidths[ord(char)])
    return 500 if unicodedata.east_asian_width(char) == "H" else 1000


def _in_jis(char: str) -> bool:
    try:
        return bool(char.encode("shift_jis"))
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=1)
def font_path() -> Path:
    """Return the file of the font that is embedded: the first of those that are installed."""
    for package, path in _PLACES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin).parent / path
            if found.exists():
                return found
    raise LabError("there is no font to embed: pip install --force-reinstall reportlab.")


@lru_cache(maxsize=1)
def font_file() -> Any:
    """Return the font, read once and shared; cutting it down is for one thread at a time."""
    return TTFontFile(str(font_path()))
