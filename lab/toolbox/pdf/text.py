"""The text of a PDF, read a page at a time, from any of the report's writers.

It supports the parts of the format that text needs: the table of objects, the tree of pages, two
filters, and the tables that map a font's codes to letters. It keeps one page and these tables in
memory, so that it adds little to a measurement; the tests compare it with a full PDF reader.
"""

import base64
import re
import zlib
from binascii import unhexlify
from collections.abc import Iterator
from typing import IO

_NUMBER = rb"(\d+) 0 R"
_SHOWN = re.compile(
    rb"(Tm\s+)?"
    rb"(?:/(\S+) [\d.]+ Tf\s+(?:[\d.]+ TL\s+)?)*"
    rb"(\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f]*>) Tj",
    re.DOTALL,
)
"""An operator that shows text: at a new point or not, a new font or none, and the codes."""

_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_BLOCK = 2048

Meaning = tuple[str, dict[str, str] | None]
"""The encoding of a font's codes, and the letter of each; None where each is its own letter."""


class PdfText:
    """A document in a file that can seek.

    Raises:
        ValueError: The file has no table of objects at the offset that it names.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._meanings: dict[bytes, Meaning] = {}
        end = file.seek(0, 2)
        file.seek(max(0, end - 1024))
        begins = re.search(rb"startxref\s+(\d+)\s+%%EOF", file.read())
        self._table = file.seek(int(begins[1]) if begins else 0)
        if file.readline() != b"xref\n":
            raise ValueError("no table of objects: the document is cut off, or is not such a PDF")
        count = int(file.readline().split()[1])
        self._table = file.tell()
        file.seek(self._table + 20 * count)
        self._root = int(_need(rb"/Root " + _NUMBER, file.read())[1])

    def pages(self) -> Iterator[list[str]]:
        """Yield the texts of each page in drawing order, one for each point where text begins."""
        catalog, _ = self._object(self._root)
        for page in self._leaves(int(_need(rb"/Pages " + _NUMBER, catalog)[1])):
            contents = int(_need(rb"/Contents " + _NUMBER, page)[1])
            yield list(self._texts(self._stream(contents), self._fonts(page)))

    def _leaves(self, number: int) -> Iterator[bytes]:
        node, _ = self._object(number)
        kids = re.search(rb"/Kids\s*\[([^\]]*)\]", node)
        if kids is None:
            yield node
            return
        for kid in re.finditer(_NUMBER, kids[1]):
            yield from self._leaves(int(kid[1]))

    def _texts(self, drawing: bytes, fonts: dict[bytes, bytes]) -> Iterator[str]:
        text, encoding = "", "latin-1"
        letters: dict[str, str] | None = None
        for shown in _SHOWN.finditer(drawing):
            moved, font, codes = shown.groups()
            if moved and text:
                yield text
                text = ""
            if font:
                encoding, letters = self._meaning(fonts[font])
            part = (unhexlify if codes[:1] == b"<" else _unescaped)(codes[1:-1]).decode(encoding)
            text += part if letters is None else "".join(map(letters.__getitem__, part))
        if text:
            yield text

    def _fonts(self, page: bytes) -> dict[bytes, bytes]:
        """Return the object numbers of a page's fonts, by their names on the page."""
        listed, _ = self._object(int(_need(rb"/Font " + _NUMBER, page)[1]))
        return dict(re.findall(rb"/(\S+) " + _NUMBER, listed))

    def _meaning(self, number: bytes) -> Meaning:
        if number not in self._meanings:
            self._meanings[number] = self._read_meaning(int(number))
        return self._meanings[number]

    def _read_meaning(self, number: int) -> Meaning:
        font, _ = self._object(number)
        encoding = "utf-16-be" if b"/Type0" in font else "latin-1"
        table = re.search(rb"/ToUnicode " + _NUMBER, font)
        if table is None:
            return encoding, None
        pairs = re.findall(rb"<(\w+)> <(\w{4,})>\n", self._stream(int(table[1])))
        letters = {chr(int(a, 16)): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in pairs}
        return encoding, None if all(a == b for a, b in letters.items()) else letters

    def _object(self, number: int) -> tuple[bytes, int]:
        """Return an object's own text, and the offset of its stream if it has one."""
        self._file.seek(self._table + 20 * number)
        start = self._file.seek(int(self._file.read(10)))
        content = b""
        while block := self._file.read(_BLOCK):
            content += block
            if end := re.search(rb"endobj|stream\r?\n", content):
                return content[: end.start()], start + end.end()
        raise ValueError(f"object {number} does not end")

    def _stream(self, number: int) -> bytes:
        content, start = self._object(number)
        self._file.seek(start)
        data = self._file.read(int(_need(rb"/Length (\d+)", content)[1]))
        if b"/ASCII85Decode" in content:
            data = base64.a85decode(data.strip(), adobe=True)
        return zlib.decompress(data) if b"/FlateDecode" in content else data


def _need(pattern: bytes, text: bytes) -> re.Match[bytes]:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"no {pattern.decode()} in {text[:80]!r}")
    return match


def _unescaped(text: bytes) -> bytes:
    return _ESCAPED.sub(_unescaped_byte, text) if b"\\" in text else text


def _unescaped_byte(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return bytes([int(code, 8)]) if code.isdigit() else _NAMED.get(code, code)
