"""How do I take an upload that is larger than memory?

When an endpoint gets an `UploadFile`, the whole body has been received and put on disk, whatever
limit the endpoint checks afterwards. The request's own stream gives the body while it arrives. Too
large a body is refused at the first byte above the limit. A body that is parsed and validated row
by row is in the database when its last byte has arrived, and nowhere else before. All rows go into
one transaction, so that an import that fails at any point leaves no row.
"""

import csv
from collections.abc import Sequence
from itertools import islice
from tempfile import SpooledTemporaryFile

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import upload_ready
from lab.endpoints.routes import Posts, endpoint
from lab.endpoints.uploads import CSV_FORM, REFUSALS, UploadRoute, run_upload
from lab.pattern import Pattern, Variant
from lab.patterns.shared.outcomes import digest_import
from lab.patterns.shared.user_import import (
    MAX_UPLOAD,
    NEW_USERS,
    Imported,
    Report,
    insert_users,
    upload_body,
)
from lab.toolbox.copy_in import import_rows
from lab.toolbox.csv_pages import PAGE, PageReader
from lab.toolbox.csv_stream import by_column, read_rows, required_header, text_lines
from lab.toolbox.multipart import Upload, file_part, limited, too_large
from lab.units import doubling


def whole_body(upload: Upload, db: Session) -> Report:
    """Receive the whole body, list its rows, insert them all."""
    body = b"".join(upload.chunks)
    if len(body) > MAX_UPLOAD:
        raise too_large(MAX_UPLOAD)
    content = b"".join(file_part([body], upload.content_type))
    return _insert_whole(content, db)


def decode_each_chunk(upload: Upload, db: Session) -> Report:
    """Decode and parse every chunk separately, and cut a row in two where a chunk ends.

    With ``errors="replace"`` a character that is cut becomes two wrong ones, without an error.
    """
    report = Report()
    header: Sequence[str] | None = None
    for piece in file_part(limited(upload, MAX_UPLOAD), upload.content_type):
        lines = piece.decode("utf-8", errors="replace").splitlines()
        reader = csv.DictReader(lines, fieldnames=header)
        header = reader.fieldnames
        rows = enumerate(reader, start=2)
        insert_users(db, list(NEW_USERS.valid_rows(rows, report.reject)), report)
    db.commit()
    return report


def spool_first(upload: Upload, db: Session) -> Report:
    """Spool the body to disk, then read it in chunks, join them and check the limit.

    An `UploadFile`, with the lesson's loop over it, does the same. The limit comes after the
    transfer, and each ``+=`` copies all earlier chunks.
    """
    with SpooledTemporaryFile(max_size=1024 * 1024) as spool:
        for piece in file_part(upload.chunks, upload.content_type):
            spool.write(piece)
        spool.seek(0)
        content = b""
        while chunk := spool.read(65_536):
            content += chunk
            if len(content) > MAX_UPLOAD:
                raise too_large(MAX_UPLOAD)
    return _insert_whole(content, db)


def _insert_whole(content: bytes, db: Session) -> Report:
    report = Report()
    rows = read_rows(text_lines([content]))
    header = required_header(rows, NEW_USERS.columns)
    users = list(NEW_USERS.valid_rows(by_column(header, rows), report.reject))
    insert_users(db, users, report)
    db.commit()
    return report


def parse_as_it_arrives(upload: Upload, db: Session, batch: int = 1_000) -> Report:
    """Parse the body while it arrives, and insert batch by batch, in one transaction."""
    report = Report()
    pieces = file_part(limited(upload, MAX_UPLOAD), upload.content_type)
    rows = read_rows(text_lines(pieces))
    header = required_header(rows, NEW_USERS.columns)
    users = NEW_USERS.valid_rows(by_column(header, rows), report.reject)
    while page := list(islice(users, batch)):
        insert_users(db, page, report)
    db.commit()
    return report


def copy_as_it_arrives(upload: Upload, db: Session, batch: int = PAGE) -> Report:
    """Validate each batch in one call, COPY it to a temporary table, and insert all at the end.

    While the database stores one batch, the next is received and validated; bytes that it has not
    stored yet wait at the client. A slow client locks no row of the table of users.
    """
    report = Report()
    pieces = file_part(limited(upload, MAX_UPLOAD), upload.content_type)
    reader = PageReader(text_lines(pieces))
    header = required_header(reader.rows, NEW_USERS.columns)
    users = (NEW_USERS.valid(header, page, report.reject) for page in reader.pages(batch))
    report.add(*import_rows(db, "users", "email", NEW_USERS.columns, users))
    db.commit()
    return report


PATTERN = Pattern(
    name="upload_stream",
    open_inputs=upload_body,
    prepare=upload_ready,
    outcome=digest_import,
    axes={"bytes": doubling(2_000_000, 32_000_000), "batch": doubling(250, 4_000)},
    fixed={"bytes": 1_000_000},
    variants=(
        Variant(whole_body, role="naive", peak=O("bytes")),
        Variant(
            decode_each_chunk,
            role="trap",
            peak=O(1),
            fails_by="answer",
            because="The row at the end of each chunk is cut in two, and neither half is a user.",
        ),
        Variant(
            spool_first,
            role="trap",
            peak=O("bytes"),
            fails_by="memory",
            because="All of it is on disk before the limit is checked, and then in memory again.",
        ),
        Variant(parse_as_it_arrives, role="streaming", peak=O("batch")),
        Variant(copy_as_it_arrives, role="tuned", peak=O("batch")),
    ),
)


router = APIRouter(route_class=UploadRoute)


@endpoint(
    router, PATTERN, "/users/import", "application/json", method="POST",
    responses=REFUSALS, openapi_extra=CSV_FORM, response_model=Imported,
)  # fmt: skip
async def import_users(variant: Variant, request: Request, store: Posts) -> Imported:
    """Import a CSV of users: all of it or, if anything fails, nothing."""
    return Imported.of(await run_upload(variant, request, store))
