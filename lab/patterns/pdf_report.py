"""How do I make a long report as a PDF: draw it all and save, or send each page when it is full?

ReportLab's canvas keeps every page until `save`, even if the rows are streamed and the file is on
disk: nothing can be sent or freed before the last row. The format does not require that. A page can
be written as soon as it is full, and then freed: `lab/toolbox/pdf/writer.py` does so. Most of the
time then goes into compression at zlib's best level and into placing each text separately;
`lab/toolbox/pdf/sheet.py` does less of both, for a file that is 50 % larger.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from io import BytesIO
from tempfile import TemporaryFile

from fastapi import APIRouter
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped] # it ships no types
from sqlalchemy import Select, func, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Author, Post
from lab.endpoints.routes import Posts, Rows, endpoint
from lab.pattern import Pattern, Variant
from lab.patterns.shared.outcomes import digest_report
from lab.patterns.shared.report_letters import refuse_what_cannot_be_shown
from lab.streams import CHUNK, OwningResponse, gather
from lab.toolbox.copied_rows import copied_rows
from lab.toolbox.pdf.canvas import draw
from lab.toolbox.pdf.drawing import drawing
from lab.toolbox.pdf.layout import pages
from lab.toolbox.pdf.letters import Letters
from lab.toolbox.pdf.sheet import Sheets
from lab.toolbox.pdf.writer import A4, write_pdf
from lab.units import doubling


def in_memory(db: Session) -> Iterator[bytes]:
    """Load every row, draw all pages into a BytesIO, and send it in one piece."""
    rows = db.execute(report_rows()).all()
    buffer = BytesIO()
    draw(Canvas(buffer, A4), rows)
    yield buffer.getvalue()


def into_a_file(db: Session) -> Iterator[bytes]:
    """Stream rows to a canvas that saves to a file, and send the file in chunks."""
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
    """Take rows from COPY, fill a page's template with them, and deflate it fast."""
    letters = Letters()
    sheets = Sheets(letters)
    with closing(copied_rows(db.connection(), report_rows())) as rows:
        yield from write_pdf(map(sheets.draw, pages(rows)), letters.write)


def report_rows() -> Select[int, str, str, int]:
    """Select the columns of the report, with each author's name from a join."""
    return (
        select(Post.id, Post.title, func.coalesce(Author.name, ""), Post.view_count)
        .join_from(Post, Author, isouter=True)
        .order_by(Post.id)
    )


PATTERN = Pattern(
    name="pdf_report",
    open_inputs=posts,
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
            fails_by="memory",
            because="The canvas keeps every page until `save`, even if it saves to a file.",
        ),
        Variant(page_by_page, role="streaming", peak=O(1)),
        Variant(into_a_template, role="tuned", peak=O(1)),
    ),
)

router = APIRouter()


@endpoint(router, PATTERN, "/posts/report.pdf", "application/pdf")
def report_pdf(variant: Variant, store: Posts, rows: Rows = None) -> OwningResponse:
    """Send the posts as a report; 422 if no font can show a letter of a title or a name."""

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
