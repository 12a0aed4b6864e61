"""How do I make a long report as a PDF: draw it all and save, or send each page when it is full?

ReportLab's canvas keeps every page until `save`, also when the rows are streamed onto it and the
file is on disk: nothing can be sent, and nothing let go, before the last row. The format does not
ask for that. A page can be written as soon as it is full, and then forgotten; `lab/pdf/writer.py`
is how. What then takes the time is deflating as well as zlib can, and working out each text by
itself; `lab/pdf/sheet.py` does less of both, for a file that is half as large again.
"""

import re
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import lru_cache
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any

from fastapi import APIRouter, HTTPException
from pydyf import Stream  # type: ignore[import-untyped] # it ships no types
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped] # likewise
from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from sqlalchemy import Select, func, null, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lab.copying import copied
from lab.data.models import Author, Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.pdf.fonts import (
    EMBEDDED,
    JAPANESE,
    JAPANESE_FONT,
    CannotShowError,
    font_of,
    font_path,
    runs,
)
from lab.pdf.layout import SIZE, pages, placed
from lab.pdf.letters import Letters
from lab.pdf.sheet import Sheets
from lab.pdf.text import PdfText
from lab.pdf.writer import A4, write_pdf
from lab.routes import Posts, Rows, endpoint
from lab.streams import CHUNK, OwningResponse, gather
from lab.units import doubling


def in_memory(db: Session) -> Iterator[bytes]:
    """Load every row, draw all pages into a BytesIO, and send it in one piece."""
    rows = db.execute(report_rows()).all()
    buffer = BytesIO()
    draw(Canvas(buffer, A4), rows)
    yield buffer.getvalue()


def into_a_file(db: Session) -> Iterator[bytes]:
    """Stream rows onto a canvas that saves to a file, and send the file in chunks."""
    rows = db.execute(report_rows(), execution_options={"yield_per": 1_000})
    with TemporaryFile() as file:
        draw(Canvas(file, A4), rows)
        file.seek(0)
        while block := file.read(CHUNK):
            yield block


def page_by_page(db: Session) -> Iterator[bytes]:
    """Stream rows, and send each page as soon as it is full."""
    rows = db.execute(report_rows(), execution_options={"yield_per": 1_000})
    letters = Letters()
    drawings = (drawing(page, letters) for page in pages(rows))
    yield from write_pdf(drawings, letters.write)


def into_a_template(db: Session) -> Iterator[bytes]:
    """Let COPY write the rows, fill a template with those of a page, and deflate it quickly."""
    letters = Letters()
    sheets = Sheets(letters)
    with closing(copied_rows(db)) as rows:
        yield from write_pdf(map(sheets.draw, pages(rows)), letters.write)


def report_rows() -> Select[int, str, str, int]:
    """Select what the report shows, with each author's name joined in."""
    return (
        select(Post.id, Post.title, func.coalesce(Author.name, ""), Post.view_count)
        .join_from(Post, Author, isouter=True)
        .order_by(Post.id)
    )


def copied_rows(db: Session) -> Generator[list[str], None, None]:
    """Cut what the server writes into rows and columns; in a text, tabs and line ends are escaped.

    It takes half the time of rows as objects, whose numbers would then be made text again.
    """
    rest = b""
    with closing(copied(db.connection(), report_rows(), "format text, encoding 'UTF8'")) as blocks:
        for block in blocks:
            lines, _, rest = (rest + block).rpartition(b"\n")
            for line in lines.decode().split("\n") if lines else ():
                cells = line.split("\t")
                yield [_unescaped(cell) for cell in cells] if "\\" in line else cells


_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda escape: _ESCAPES[escape[1]], text)


def drawing(page: Iterable[Any], letters: Letters) -> Stream:
    """Draw a page as an object of the document."""
    lines, current = ["BT"], ""
    for x, y, text in placed(page):
        lines.append(f"1 0 0 1 {x} {y} Tm")
        for font, run in runs(text):
            change = "" if font == current else f"/{font} {SIZE} Tf "
            lines.append(f"{change}<{letters.codes(font, run)}> Tj")
            current = font
    lines.append("ET")
    return Stream(["\n".join(lines)], compress=True)


def draw(canvas: Canvas, rows: Iterable[Any]) -> None:
    """Draw all pages on ReportLab's canvas, and save it."""
    with _fonts:
        names = reportlab_fonts()
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


_fonts = threading.Lock()
"""ReportLab registers its fonts for all threads, and reads them again, place by place, to save."""


@lru_cache(maxsize=1)
def reportlab_fonts() -> dict[str, str]:
    """Give ReportLab the same fonts, once, and return its names for them."""
    pdfmetrics.registerFont(TTFont(font_path().stem, str(font_path())))
    pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE_FONT))
    return {EMBEDDED: font_path().stem, JAPANESE: JAPANESE_FONT}


def digest_report(chunks: Iterator[bytes], db: Session) -> Outcome:
    """Receive the report into a file and read it; the answer is the text on each of its pages."""
    digest, size, count = Digest(), 0, 0
    with TemporaryFile() as received:
        for chunk in chunks:
            received.write(chunk)
            size += len(chunk)
        for texts in PdfText(received).pages():
            digest.add("\n".join(texts))
            count += 1
    return Outcome(digest.hex(), {"pages": count, "bytes": size, **db.info["counts"]})


PATTERN = Pattern(
    name="pdf_report",
    world=posts,
    prepare=posts_ready,
    outcome=digest_report,
    axes={"rows": doubling(4_500, 72_000)},
    fixed={"rows": 4_500},
    variants=(
        Variant(in_memory, role="naive", peak=O("rows")),
        Variant(
            into_a_file,
            role="trap",
            peak=O("rows"),
            springs="memory",
            why="The canvas keeps every page until `save`, wherever it saves to.",
        ),
        Variant(page_by_page, role="streaming", peak=O(1)),
        Variant(into_a_template, role="tuned", peak=O(1)),
    ),
)

router = APIRouter()


@endpoint(router, PATTERN, "/posts/report.pdf", "application/pdf")
def report_pdf(variant: Variant, store: Posts, rows: Rows = None) -> OwningResponse:
    """Send the posts as a report; 422 if a title or a name has a letter that no font can show."""

    def body() -> Generator[bytes, None, None]:
        with store.posts(rows) as db:
            refuse_what_cannot_be_shown(db)
            yield from variant.run(db)

    return OwningResponse(
        gather(body()),
        media_type="application/pdf",
        filename="posts.pdf",
        busy=(PoolTimeoutError,),
    )


def refuse_what_cannot_be_shown(db: Session) -> None:
    """Have the database list the letters of the report: the one that is missing may come last.

    Raises:
        HTTPException: No font has one of them.
    """
    titles = select(Post.title.label("text")).where(Post.title.regexp_match("[^ -~]"))
    names = select(Author.name.label("text"))
    try:
        look_at_letters(db, titles)
        try:
            look_at_letters(db, names)
        except CannotShowError:
            # Whose name it is may have written none of the posts: to look for that takes longer.
            look_at_letters(db, names.join_from(Post, Author))
    except CannotShowError as error:
        raise HTTPException(422, str(error)) from None


def look_at_letters(db: Session, texts: Select[str]) -> None:
    """Ask for the letters of all texts, each of them once.

    Raises:
        CannotShowError: No font has one of them.
    """
    text = texts.distinct().subquery().c.text
    letters = func.unnest(func.string_to_array(text, null()))
    for letter in db.scalars(select(letters).distinct()):
        if not letter.isspace():
            font_of(letter)
