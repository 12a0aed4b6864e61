"""How do I take an upload that is larger than memory?

By the time an endpoint gets an `UploadFile`, the whole body has been received and put on disk,
whatever limit the endpoint goes on to enforce. The request's own stream is where a body can be
looked at while it arrives: too large, it is refused at the byte that is too many; taken apart and
checked row by row, it is in the database when its last byte has come, and nowhere else before. All
rows go into one transaction, so that an import which breaks, wherever it breaks, leaves none.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import text
from sqlalchemy.orm import Session

from lab.csvpages import PAGE, record_pages
from lab.csvstream import Row, rows, text_lines
from lab.data.store import Store
from lab.data.worlds import upload, upload_ready
from lab.multipart import FORM, Upload, as_form, file_part, limited, too_large
from lab.pattern import O, Pattern, Variant
from lab.patterns.csv_upload import NEW_USERS, NewUser, Report, digest_import, insert_users
from lab.receiving import CSV_FORM, REFUSALS, UploadRoute, answered, arriving
from lab.routes import Posts, endpoint
from lab.staging import import_rows
from lab.units import doubling, parse_bytes

MAX_UPLOAD = parse_bytes(os.environ.get("MEMORY_LAB_MAX_UPLOAD", "200MB"))
"""Bytes that a request may have."""

LOCK_WAIT = "10s"

COLUMNS = tuple(NewUser.__annotations__)


def whole_body(upload: Upload, db: Session) -> Report:
    """Receive the whole body, list its rows, insert them all."""
    body = b"".join(upload.chunks)
    if len(body) > MAX_UPLOAD:
        raise too_large(MAX_UPLOAD)
    content = b"".join(file_part([body], upload.content_type))
    return _insert_whole(content, db)


def decode_each_chunk(upload: Upload, db: Session) -> Report:
    """Decode and parse every chunk by itself, and cut a row in two where a chunk ends.

    With ``errors="replace"`` a character that is cut becomes two wrong ones, and nothing raises.
    """
    report = Report()
    header: Sequence[str] | None = None
    for piece in file_part(limited(upload, MAX_UPLOAD), upload.content_type):
        lines = piece.decode("utf-8", errors="replace").splitlines()
        reader = csv.DictReader(lines, fieldnames=header)
        header = reader.fieldnames
        insert_users(db, list(valid_users(enumerate(reader, start=2), report)), report)
    db.commit()
    return report


def spool_first(upload: Upload, db: Session) -> Report:
    """Spool the body to disk, then read it in chunks, join them and check the limit.

    This is what an `UploadFile` and the lesson's loop over it amount to. The limit spares nobody
    the transfer, and each ``+=`` copies all that came before.
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


def parse_as_it_arrives(upload: Upload, db: Session, batch: int = 1_000) -> Report:
    """Take the body apart while it arrives, and insert batch by batch, in one transaction."""
    report = Report()
    pieces = file_part(limited(upload, MAX_UPLOAD), upload.content_type)
    users = valid_users(rows(text_lines(pieces), COLUMNS), report)
    while page := list(islice(users, batch)):
        insert_users(db, page, report)
    db.commit()
    return report


def copy_as_it_arrives(upload: Upload, db: Session, batch: int = PAGE) -> Report:
    """Validate each batch in one call, COPY it to a temporary table, and insert all at the end.

    While the database stores one batch, the next is received and validated; what it has not
    stored yet, the client has to keep. A slow client locks no row of the table of users.
    """
    report = Report()
    pieces = file_part(limited(upload, MAX_UPLOAD), upload.content_type)
    header, pages = record_pages(text_lines(pieces), COLUMNS, batch)
    users = (NEW_USERS.valid(header, page, report.reject) for page in pages)
    report.add(*import_rows(db, "users", "email", COLUMNS, users))
    db.commit()
    return report


def _insert_whole(content: bytes, db: Session) -> Report:
    report = Report()
    users = list(valid_users(rows(text_lines([content]), COLUMNS), report))
    insert_users(db, users, report)
    db.commit()
    return report


_NEW_USER = TypeAdapter(NewUser)


def valid_users(
    numbered: Iterable[tuple[int, Row | csv.Error]], report: Report
) -> Iterator[NewUser]:
    """Yield the rows that are valid, and report the others by their lines."""
    for line, row in numbered:
        try:
            if isinstance(row, csv.Error):
                raise row
            user = _NEW_USER.validate_python(row)
        except (ValidationError, csv.Error) as error:
            report.reject(line, error)
        else:
            yield user


@contextmanager
def upload_body(
    bytes: int,  # noqa: A002 - the axis's name
    clean: bool = False,
) -> Iterator[tuple[Upload, Session]]:
    """Yield a body whose file has so many bytes, in chunks of 64 KiB, and a session."""
    with upload(bytes, clean) as (file, db):
        yield Upload(as_form(iter(lambda: file.read(65_536), b"")), FORM), db


PATTERN = Pattern(
    name="upload_stream",
    world=upload_body,
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
            springs="answer",
            why="The row at the end of each chunk is cut in two, and neither half is a user.",
        ),
        Variant(
            spool_first,
            role="trap",
            peak=O("bytes"),
            springs="memory",
            why="All of it is on disk before the limit is looked at, and then in memory again.",
        ),
        Variant(parse_as_it_arrives, role="streaming", peak=O("batch")),
        Variant(copy_as_it_arrives, role="tuned", peak=O("batch")),
    ),
)


class RowError(BaseModel):
    """A row that was not imported, by the line it starts on."""

    line: int
    problem: str


class Imported(BaseModel):
    """What became of an upload: all rows are counted, the first bad ones are described."""

    imported: int
    duplicates: int
    rejected: int
    errors: list[RowError]


router = APIRouter(route_class=UploadRoute)


@endpoint(
    router,
    PATTERN,
    "/users/import",
    "application/json",
    method="POST",
    responses=REFUSALS,
    openapi_extra=CSV_FORM,
    response_model=Imported,
)
async def import_users(variant: Variant, request: Request, store: Posts) -> Imported:
    """Import a CSV of users: all of it or, when anything goes wrong, nothing."""
    with answered():
        report = await to_thread.run_sync(run_import, variant, arriving(request), store)
    errors = [RowError(line=line, problem=problem) for line, problem in report.errors]
    return Imported(**{**vars(report), "errors": errors})


def run_import(variant: Variant, arrived: Upload, store: Store) -> Any:
    """Do everything in one thread, which alone owns the session; leaving it rolls back."""
    with store.users() as db:
        # It takes the connection, before anything is received; and nobody waits long for a row
        # that another import, of a slow client, has inserted.
        db.execute(text("select set_config('lock_timeout', :wait, true)"), {"wait": LOCK_WAIT})
        return variant.run(arrived, db)
