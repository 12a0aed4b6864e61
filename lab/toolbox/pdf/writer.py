"""A PDF writer that yields each object as soon as it is finished, and keeps no page.

A PDF ends with a table of its objects' offsets. Objects may come in any order, and refer to later
ones by number, so a page can be written, sent and freed. Only its offsets stay, eight bytes for
each object: with two objects for a page of 48 rows, a third of a byte for each row
(ISO 32000-1, 7.5).
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydyf import Array, Dictionary, Object, Stream  # type: ignore[import-untyped] # ships no types

A4 = (595, 842)
"""Width and height in points; a point is 1/72 inch."""

KIDS = 64
"""Pages of a branch: a reader of one page then need not read a list of all pages."""

_TABLE_SLICE = 1_000


class Objects:
    """The numbers and the offsets of a document's objects."""

    def __init__(self) -> None:
        # Object 0 is the head of the list of free objects, which stays empty.
        self._offsets = array("Q", [0])
        self._position = 0

    def begin(self) -> bytes:
        """Return the first lines; the second marks the file as binary for transfer programs."""
        return self._moved(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self) -> int:
        """Return a number for an object that is written later, so that others can refer to it."""
        self._offsets.append(0)
        return len(self._offsets) - 1

    def write(self, item: Object, number: int | None = None) -> bytes:
        """Return an object as bytes of the file, and set its number."""
        item.number = self.reserve() if number is None else number
        self._offsets[item.number] = self._position
        return self._moved(bytes(item.indirect) + b"\n")

    def end(self, catalog: Dictionary) -> Iterator[bytes]:
        """Yield the table of offsets, and last its own offset.

        Raises:
            KeyError: A number was reserved, and its object never written.
        """
        count = len(self._offsets)
        missing = [number for number in range(1, count) if not self._offsets[number]]
        if missing:
            raise KeyError(f"objects {missing[:9]} were reserved and never written")
        yield b"xref\n0 %d\n0000000000 65535 f \n" % count
        for start in range(1, count, _TABLE_SLICE):
            offsets = self._offsets[start : start + _TABLE_SLICE]
            yield b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        trailer = Dictionary({"Size": count, "Root": catalog.reference})
        yield b"trailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (trailer.data, self._position)

    def _moved(self, data: bytes) -> bytes:
        self._position += len(data)
        return data


def write_pdf(
    pages: Iterable[Stream], fonts: Callable[[Objects, int], Iterator[bytes]]
) -> Iterator[bytes]:
    """Yield a document object by object, and keep no page.

    Args:
        pages: The drawing of each page; the next one is taken when the last one has been yielded.
        fonts: Called after the last page, when all letters are known, with the objects and the
            number reserved for the dictionary of fonts; yields these objects as bytes.
    """
    objects = Objects()
    yield objects.begin()
    shared, root = objects.reserve(), objects.reserve()
    yield from _page_tree(pages, objects, shared, root)
    yield from fonts(objects, shared)
    catalog = Dictionary({"Type": "/Catalog", "Pages": _reference(root)})
    yield objects.write(catalog)
    yield from objects.end(catalog)


def _page_tree(
    pages: Iterable[Stream], objects: Objects, shared: int, root: int
) -> Iterator[bytes]:
    """Yield the pages, each branch as soon as it is full, and last the root."""
    branches, leaves, count = array("L"), array("L"), 0
    for drawing in pages:
        if not leaves:
            branches.append(objects.reserve())
        yield objects.write(drawing)
        page = _page(drawing, branches[-1], shared)
        yield objects.write(page)
        leaves.append(page.number)
        count += 1
        if len(leaves) == KIDS:
            yield objects.write(_branch(leaves, len(leaves), root), branches[-1])
            del leaves[:]
    if leaves:
        yield objects.write(_branch(leaves, len(leaves), root), branches[-1])
    yield objects.write(_branch(branches, count), root)


def _page(drawing: Stream, parent: int, shared: int) -> Dictionary:
    fields: dict[str, Any] = {
        "Type": "/Page",
        "Parent": _reference(parent),
        "MediaBox": Array((0, 0, *A4)),
        "Resources": Dictionary({"Font": _reference(shared)}),
        "Contents": drawing.reference,
    }
    return Dictionary(fields)


def _branch(kids: Iterable[int], count: int, parent: int | None = None) -> Dictionary:
    references = Array([_reference(kid) for kid in kids])
    fields: dict[str, Any] = {"Type": "/Pages", "Kids": references, "Count": count}
    if parent is not None:
        fields["Parent"] = _reference(parent)
    return Dictionary(fields)


def _reference(number: int) -> bytes:
    return b"%d 0 R" % number
