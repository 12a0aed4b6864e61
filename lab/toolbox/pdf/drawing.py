"""A page of the report drawn text by text, as an object of a PDF."""

from collections.abc import Iterable
from typing import Any

from pydyf import Stream  # type: ignore[import-untyped] # it ships no types

from lab.toolbox.pdf.fonts import runs
from lab.toolbox.pdf.layout import SIZE, placed
from lab.toolbox.pdf.letters import Letters


def drawing(page: Iterable[Any], letters: Letters) -> Stream:
    """Return the drawing of a page's rows as an object of a document, and note its letters."""
    lines, current = ["BT"], ""
    for x, y, text in placed(page):
        lines.append(f"1 0 0 1 {x} {y} Tm")
        for font, run in runs(text):
            change = "" if font == current else f"/{font} {SIZE} Tf "
            lines.append(f"{change}<{letters.codes(font, run)}> Tj")
            current = font
    lines.append("ET")
    return Stream(["\n".join(lines)], compress=True)
