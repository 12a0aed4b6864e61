"""Which font can show each letter of a PDF, and how wide the letter is.

Most letters come from a font that is embedded, as a subset with the glyphs in use: DejaVu Sans,
which Matplotlib includes, or else Bitstream Vera, which ReportLab includes and which has only
western European letters. Japanese and all other letters of JIS X 0208 come from a font that is
named and not embedded: every reader knows its encoding (ISO 32000-1, 9.7.5.2) and should have a
substitute. On a machine without a Japanese font these letters can be copied and searched, but are
not visible. A letter that neither font has is refused.
"""

import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.pdfbase.ttfonts import TTFontFile  # type: ignore[import-untyped] # ships no types

EMBEDDED, JAPANESE = "F1", "F2"
"""The names of the fonts in a document."""

JAPANESE_FONT = "HeiseiKakuGo-W5"

_FONT_FILES = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("reportlab", "fonts/Vera.ttf"),
)


class CannotShowError(ValueError):
    """A letter that none of the fonts can show."""

    def __init__(self, char: str) -> None:
        name = unicodedata.name(char, "no name")
        super().__init__(
            f"the report cannot show {char!r} (U+{ord(char):04X}, {name}), which none of its fonts "
            "has: leave out the rows with this letter."
        )


def runs(text: str) -> list[tuple[str, str]]:
    """Return the pieces of a text that one font can show, each after the font's name.

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
        CannotShowError: No font can. Letters written from right to left and combining marks are
            refused even if a font has them, since the layout does not support them.
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
    """Return the file of the font to embed: the first one that is installed."""
    for package, path in _FONT_FILES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            file = Path(spec.origin).parent / path
            if file.exists():
                return file
    raise FileNotFoundError("no font to embed: pip install --force-reinstall reportlab.")


@lru_cache(maxsize=1)
def font_file() -> Any:
    """Return the font, which all threads share; only one thread at a time may make a subset."""
    return TTFontFile(str(font_path()))
