"""How do I import an uploaded CSV: read it all, or validate and insert as it is read?

When an endpoint gets an upload larger than a mebibyte, it is already in a spooled file on disk.
Reading it whole puts it back into memory several times: as bytes, as text, as a list of rows.
Reading it in chunks and joining them, which the lesson calls correct, does the same. A text wrapper
over the file gives `csv` one line at a time, and rows are inserted in batches. It is faster to
validate a batch in one call, and to COPY it through a table without an index. Lines, rows and the
list of errors have a maximum length, whatever a client sends.
"""

import io
from itertools import islice
from typing import IO

from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import upload, upload_ready
from lab.pattern import Pattern, Variant
from lab.patterns.shared.outcomes import digest_import
from lab.patterns.shared.user_import import NEW_USERS, Report, insert_users
from lab.toolbox.copy_in import import_rows
from lab.toolbox.csv_pages import PAGE, PageReader
from lab.toolbox.csv_stream import any_header, by_column, decoded, file_lines, read_rows
from lab.units import doubling


def read_whole(file: IO[bytes], db: Session) -> Report:
    """Read the whole upload, decode it, list its rows, insert them all."""
    content = file.read()
    lines = io.StringIO(decoded(content), newline="")
    report = Report()
    with db.begin():
        rows = read_rows(file_lines(lines))
        header = any_header(rows, report.reject)
        users = list(NEW_USERS.valid_rows(by_column(header, rows), report.reject))
        insert_users(db, users, report)
    return report


def join_chunks(file: IO[bytes], db: Session) -> Report:
    """Read the upload in chunks of 64 KiB, join them, and continue as before.

    This is the lesson's loop. At its end it holds as much as `read` would, and each ``+=`` copies
    all earlier chunks.
    """
    content = b""
    while chunk := file.read(65_536):
        content += chunk
    lines = io.StringIO(decoded(content), newline="")
    report = Report()
    with db.begin():
        rows = read_rows(file_lines(lines))
        header = any_header(rows, report.reject)
        users = list(NEW_USERS.valid_rows(by_column(header, rows), report.reject))
        insert_users(db, users, report)
    return report


def stream_rows(file: IO[bytes], db: Session, batch: int = 1_000) -> Report:
    """Decode line by line, validate row by row, insert batch by batch, in one transaction."""
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    report = Report()
    try:
        with db.begin():
            rows = read_rows(file_lines(lines))
            header = any_header(rows, report.reject)
            users = NEW_USERS.valid_rows(by_column(header, rows), report.reject)
            while page := list(islice(users, batch)):
                insert_users(db, page, report)
    finally:
        lines.detach()  # else the wrapper would close the caller's file
    return report


def copy_rows(file: IO[bytes], db: Session, batch: int = PAGE) -> Report:
    """Validate a batch in one call, COPY it to a temporary table, and insert all rows from there.

    The server stores one batch while the next is validated, and no row of the table of users is
    locked before the whole file has been read.
    """
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    report = Report()
    try:
        with db.begin():
            reader = PageReader(file_lines(lines))
            header = any_header(reader.rows, report.reject)
            users = (NEW_USERS.valid(header, p, report.reject) for p in reader.pages(batch))
            report.add(*import_rows(db, "users", "email", NEW_USERS.columns, users))
    finally:
        lines.detach()  # else the wrapper would close the caller's file
    return report


PATTERN = Pattern(
    name="csv_upload",
    open_inputs=upload,
    prepare=upload_ready,
    outcome=digest_import,
    axes={"bytes": doubling(2_000_000, 32_000_000), "batch": doubling(125, 2_000)},
    fixed={"bytes": 1_000_000},
    variants=(
        Variant(read_whole, role="naive", peak=O("bytes")),
        Variant(
            join_chunks,
            role="trap",
            peak=O("bytes"),
            fails_by="memory",
            because="The chunks are joined, so the whole file is in memory, as bytes and as text.",
        ),
        Variant(stream_rows, role="streaming", peak=O("batch")),
        Variant(copy_rows, role="tuned", peak=O("batch")),
    ),
)
