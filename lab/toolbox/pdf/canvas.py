"""The report drawn on ReportLab's canvas, which keeps every page until it is saved."""

import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped] # it ships no types
from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # type: ignore[import-untyped] # likewise
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from lab.toolbox.pdf.fonts import EMBEDDED, JAPANESE, JAPANESE_FONT, font_path, runs
from lab.toolbox.pdf.layout import SIZE, pages, placed

_fonts = threading.Lock()
"""ReportLab's fonts are shared by all threads, and `save` moves the position in their files."""


def draw(canvas: Canvas, rows: Iterable[Any]) -> None:
    """Draw all pages on ReportLab's canvas, and save it."""
    with _fonts:
        names = _registered_fonts()
    for page in pages(rows):
        drawn, current = canvas.beginText(), ""
        for x, y, text in placed(page):
            drawn.setTextOrigin(x, y)
            for font, run in runs(text):
                if font != current:
                    drawn.setFont(names[font], SIZE)
                    current = font
                drawn.textOut(run)
        canvas.drawText(drawn)
        canvas.showPage()
    with _fonts:
        canvas.save()


@lru_cache(maxsize=1)
def _registered_fonts() -> dict[str, str]:
    """Register the report's fonts with ReportLab, once, and return its names for them."""
    pdfmetrics.registerFont(TTFont(font_path().stem, str(font_path())))
    pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE_FONT))
    return {EMBEDDED: font_path().stem, JAPANESE: JAPANESE_FONT}
