r"""How do I load a CSV that I trust?

Not row by row: COPY reads CSV by itself, and the table's types and constraints are the check. The
whole file is taken, or the first row that does not fit is told by its line and nothing is kept. So
the bytes need not become text here, or rows, and there is no reason to hold them. COPY goes into
the table itself, with its indexes, in one pass: by way of a temporary table, as an import does that
has to mind duplicates, it takes a fifth longer. The price is that a slow client keeps its rows,
unseen by others, and one who brings the same key has to wait.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lab.csvpages import LONGEST_ROW
from lab.csvstream import LONGEST, records, text_lines
from lab.data.models import User
from lab.data.worlds import upload_ready
from lab.multipart import RefusedError, Upload, csv_file, limited
from lab.pattern import O, Outcome, Pattern, Variant
from lab.patterns.csv_upload import Report, digest_import
from lab.patterns.upload_stream import MAX_UPLOAD, run_import, upload_body
from lab.receiving import CSV_FILE, REFUSALS, UploadRoute, answered, arriving
from lab.routes import Posts, endpoint
from lab.staging import copy_bytes
from lab.units import doubling

LONGEST_SENTENCE = 300

COLUMNS = tuple(column.name for column in User.__table__.columns if column.identity is None)


def load_whole(upload: Upload, db: Session) -> int:
    """Receive the whole body into memory, then COPY the file in it from there."""
    body = b"".join(limited(upload, MAX_UPLOAD))
    content = b"".join(csv_file([body], upload.content_type))
    imported = copy_users(blocks(BytesIO(content)), db)
    db.commit()
    return imported


def load_spooled(upload: Upload, db: Session) -> int:
    """Spool the file to disk, as an `UploadFile` is, then COPY it from there block by block.

    It is received at whatever pace, and no row is held meanwhile; the file is written twice.
    """
    with SpooledTemporaryFile(max_size=1024 * 1024) as spool:
        for piece in csv_file(limited(upload, MAX_UPLOAD), upload.content_type):
            spool.write(piece)
        spool.seek(0)
        imported = copy_users(blocks(spool), db)
    db.commit()
    return imported


def load_as_it_arrives(upload: Upload, db: Session) -> int:
    """COPY each piece of the file when it arrives; what the database has no room for yet, waits."""
    imported = copy_users(csv_file(limited(upload, MAX_UPLOAD), upload.content_type), db)
    db.commit()
    return imported


def copy_users(pieces: Iterable[bytes], db: Session) -> int:
    """Send a CSV of users to COPY as it is; return how many rows it had.

    Raises:
        RefusedError: The header is not the table's, or a row does not fit into it.
    """
    columns, pieces = header(pieces)
    options = "format csv, header, encoding 'UTF8'"
    copy = f"copy users ({', '.join(columns)}) from stdin ({options})"
    with lines_told():
        return copy_bytes(db, copy, watched(pieces))


def header(pieces: Iterable[bytes]) -> tuple[list[str], Iterator[bytes]]:
    """Return the names in the first line, in any order, and the pieces, without the file's mark.

    They go into the statement, so they have to be the table's own. The line is sent all the same:
    COPY passes over it, and counts lines as the client does.

    Raises:
        RefusedError: The names are not the columns', all of them and no other.
    """
    start, pieces = b"", iter(pieces)
    for piece in pieces:
        start += piece
        if len(start) > LONGEST or b"\n" in start or b"\r" in start:
            break
    start = start.removeprefix(b"\xef\xbb\xbf")
    names, _ = records(text_lines(re.findall(rb"\A[^\r\n]+", start)), COLUMNS)
    if unknown := set(names) - set(COLUMNS):
        raise RefusedError(422, f"line 1 names what is no column: {', '.join(sorted(unknown))}")
    return names, chain((start,), pieces)


def watched(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Pass pieces on, as long as no row goes on and on, and no line is ``\.``.

    The database repeats a cell, of any length, when it says what is wrong with it. And before
    PostgreSQL 18 it took that line for the end, as if all were well, and the rest was lost.

    Raises:
        RefusedError: Not so.
    """
    before, quoted, length = b"\n", False, 0
    for piece in pieces:
        apart = piece.split(b'"')
        ended = any(b"\n" in part or b"\r" in part for part in apart[quoted::2])
        quoted ^= len(apart) % 2 == 0
        length = 0 if ended else length + len(piece)
        if length > LONGEST_ROW:
            most = f"{LONGEST_ROW:,} bytes"
            raise RefusedError(422, f"a row is longer than {most}: is a quote not closed?")
        seen = before + piece
        if b"\\." in seen and re.search(rb"[\r\n]\\\.[\r\n]", seen):
            raise RefusedError(422, r"a line is \. alone, which may be taken for the file's end")
        before = seen[-3:]
        yield piece


@contextmanager
def lines_told() -> Iterator[None]:
    """Turn what the database says of a row into a sentence for the client.

    Raises:
        RefusedError: 409 for a key that is there already, 422 for whatever else is in the file.
    """
    try:
        yield
    except DBAPIError as error:
        code, diag = getattr(error.orig, "pgcode", None) or "", getattr(error.orig, "diag", None)
        # Data that is not as it should be, a constraint that is violated, a key too long to index.
        if diag is None or code[:2] not in ("22", "23", "54"):
            raise
        where = re.match(r"COPY \w+, (line \d+(?:, column \w+)?)", diag.context or "")
        key = code == "23505"
        said = (diag.message_detail if key else None) or diag.message_primary or code
        sentence = f"{where[1]}: {said}" if where else said
        raise RefusedError(409 if key else 422, sentence[:LONGEST_SENTENCE]) from None


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in blocks of 64 KiB."""
    return iter(partial(file.read, 65_536), b"")


def digest_load(imported: int, upload: Upload, db: Session) -> Outcome:
    """The answer is how many rows there were, and what the table holds afterwards."""
    return digest_import(Report(imported), upload, db)


PATTERN = Pattern(
    name="bulk_load",
    world=partial(upload_body, clean=True),
    prepare=partial(upload_ready, clean=True),
    outcome=digest_load,
    axes={"bytes": doubling(2_000_000, 32_000_000)},
    fixed={"bytes": 1_000_000},
    variants=(
        Variant(load_whole, role="naive", peak=O("bytes")),
        Variant(load_spooled, role="streaming", peak=O(1)),
        Variant(load_as_it_arrives, role="tuned", peak=O(1)),
    ),
)


class Loaded(BaseModel):
    """All rows of the file are in the table."""

    imported: int


router = APIRouter(route_class=UploadRoute)


@endpoint(
    router,
    PATTERN,
    "/imports/users.csv",
    "application/json",
    method="POST",
    responses={**REFUSALS, 409: {"description": "A key that is there already, or comes twice"}},
    openapi_extra=CSV_FILE,
    response_model=Loaded,
)
async def load_users(variant: Variant, request: Request, store: Posts) -> Loaded:
    """Load a CSV of users, the body or a form's file: all of it or, if a row is bad, nothing."""
    with answered():
        imported = await to_thread.run_sync(run_import, variant, arriving(request), store)
    return Loaded(imported=imported)
