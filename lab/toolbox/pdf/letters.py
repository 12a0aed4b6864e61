"""The fonts of a PDF, as objects with the letters in use; they are written after the last page.

In both fonts a code is the letter's UTF-16 code, and a table maps it to Unicode, so that a reader
can copy and search the text (ISO 32000-1, 9.7 and 9.10).
"""

import sys
import threading
from array import array
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from pydyf import Array, Dictionary, Stream  # type: ignore[import-untyped] # it ships no types

from lab.toolbox.pdf.fonts import EMBEDDED, JAPANESE, JAPANESE_FONT, font_file
from lab.toolbox.pdf.writer import Objects

_HALF_WIDTH = (327, 389, 500)
"""First and last character, as numbers of Adobe-Japan1, and their width in thousandths."""

_cutting = threading.Lock()
"""A subset is read from the shared font file, whose position two threads would move."""


class Letters:
    """The letters that a document uses, and the fonts with exactly these letters."""

    def __init__(self) -> None:
        self._used: dict[str, set[str]] = {EMBEDDED: set(), JAPANESE: set()}
        self._noted = b"\n"  # bytes of ASCII that `codes_of_each` skips

    def codes(self, font: str, text: str) -> str:
        """Return text as a font's codes, in hexadecimal digits, and remember its letters."""
        self._used[font].update(text)
        return text.encode("utf-16-be").hex()

    def codes_of_each(self, texts: Iterable[str]) -> list[str]:
        """Do the same for many texts of printable ASCII, in the embedded font, in one call.

        The third digit of such a code is 2 to 7, so ``000a`` occurs only at the end of a line.
        """
        lines = "\n".join(texts)
        if new := set(lines.encode().translate(None, self._noted)):
            self._used[EMBEDDED].update(map(chr, new))
            self._noted += bytes(new)
        return lines.encode("utf-16-be").hex().split("000a")

    def write(self, objects: Objects, number: int) -> Iterator[bytes]:
        """Yield the fonts that were used, and the dictionary with their names."""
        fonts = Dictionary()
        for name, describe in ((EMBEDDED, _embedded), (JAPANESE, _japanese)):
            if self._used[name]:
                codes = sorted(map(ord, self._used[name]))
                fonts[name] = yield from describe(objects, codes)
        yield objects.write(fonts, number)


Written = Generator[bytes, None, bytes]
"""Yields objects as they are written; returns the reference to a font."""


def _embedded(objects: Objects, codes: list[int]) -> Written:
    file = font_file()
    with _cutting:
        glyphs = bytes(file.makeSubset(codes))
    program = Stream([glyphs], {"Length1": len(glyphs)}, compress=True)
    yield objects.write(program)
    name = f"/MEMLAB+{bytes(file.name).decode()}"
    widths = [part for code in codes for part in (code, Array([float(file.charWidths[code])]))]
    glyph_numbers = Stream([_glyph_numbers(codes)], compress=True)
    yield objects.write(glyph_numbers)
    more = {
        "Subtype": "/CIDFontType2",
        "CIDSystemInfo": _collection("Identity", 0),
        "CIDToGIDMap": glyph_numbers.reference,
        "DW": round(file.defaultWidth),
        "W": Array(widths),
    }
    measures = (file.bbox, file.ascent, file.descent, file.capHeight, file.stemV)
    descriptor = _descriptor(name, *measures, FontFile2=program.reference)
    return (yield from _font(objects, name, "/Identity-H", descriptor, more, codes))


def _glyph_numbers(codes: list[int]) -> bytes:
    """Return, for each code from 0, the number of its glyph in the subset, as 16-bit integers.

    The subset numbers glyphs in the order of the codes; letters that look alike may share one.
    """
    numbers, table = {0: 0}, array("H", bytes(2 * (codes[-1] + 1)))
    for code in codes:
        table[code] = numbers.setdefault(font_file().charToGlyph[code], len(numbers))
    if sys.byteorder == "little":
        table.byteswap()
    return table.tobytes()


def _japanese(objects: Objects, codes: list[int]) -> Written:
    name = f"/{JAPANESE_FONT}"
    more = {
        "Subtype": "/CIDFontType0",
        "CIDSystemInfo": _collection("Japan1", 2),
        "DW": 1000,
        "W": Array(_HALF_WIDTH),
    }
    descriptor = _descriptor(name, (-92, -250, 1010, 922), 752, -221, 737, 114)
    return (yield from _font(objects, name, "/UniJIS-UCS2-H", descriptor, more, codes))


def _descriptor(
    name: str,
    box: Iterable[float],
    ascent: float,
    descent: float,
    capital: float,
    stem: float,
    **program: bytes,
) -> Dictionary:
    measures = {"Ascent": ascent, "Descent": descent, "CapHeight": capital, "StemV": stem}
    shape = {"Flags": 4, "ItalicAngle": 0, "FontBBox": Array(map(round, box))}
    rounded = {key: round(value) for key, value in measures.items()}
    return Dictionary({"Type": "/FontDescriptor", "FontName": name, **shape, **rounded, **program})


def _font(
    objects: Objects,
    name: str,
    encoding: str,
    descriptor: Dictionary,
    more: dict[str, Any],
    codes: list[int],
) -> Written:
    """Write the objects of a font: descriptor, glyphs, and the table to Unicode."""
    yield objects.write(descriptor)
    base = {"Type": "/Font", "BaseFont": name}
    glyphs = Dictionary({**base, **more, "FontDescriptor": descriptor.reference})
    yield objects.write(glyphs)
    meaning = Stream(list(_meaning(codes)), compress=True)
    yield objects.write(meaning)
    font = Dictionary(
        {
            **base,
            "Subtype": "/Type0",
            "Encoding": encoding,
            "DescendantFonts": Array([glyphs.reference]),
            "ToUnicode": meaning.reference,
        }
    )
    yield objects.write(font)
    return bytes(font.reference)


def _collection(ordering: str, supplement: int) -> Dictionary:
    return Dictionary(
        {"Registry": "(Adobe)", "Ordering": f"({ordering})", "Supplement": supplement}
    )


def _meaning(codes: list[int]) -> Iterator[bytes]:
    """Yield the lines of a table that maps each code to itself; a block has at most 100 codes."""
    yield b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap"
    yield b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def"
    yield b"/CMapName /Adobe-Identity-UCS def /CMapType 2 def"
    yield b"1 begincodespacerange <0000> <FFFF> endcodespacerange"
    for start in range(0, len(codes), 100):
        block = codes[start : start + 100]
        yield b"%d beginbfchar" % len(block)
        yield from (b"<%04X> <%04X>" % (code, code) for code in block)
        yield b"endbfchar"
    yield b"endcmap CMapName currentdict /CMap defineresource pop end end"
