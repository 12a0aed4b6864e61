"""How do I import an uploaded CSV: read it all, or validate and insert as it is read?

An upload larger than a mebibyte is already in a spooled file on disk when an endpoint gets it.
Reading it whole brings it back into memory several times over: as bytes, as text, as a list of
rows. Reading it in chunks and joining them, which the lesson calls correct, does the same. A text
wrapper over the spooled file hands `csv` one line at a time, and rows are inserted by the batch.
Faster is to have a batch validated in one call and to COPY it, by way of a table without an index.
Whatever a client sends, a row, a line and the list of errors have a longest length.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Annotated, TextIO

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import ARRAY, Boolean, Integer, Text, func, select, text, type_coerce
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from lab.checking import Checker
from lab.csvpages import PAGE, read_pages, read_rows
from lab.data.models import User
from lab.data.worlds import upload, upload_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.staging import import_rows
from lab.units import doubling

MOST_ERRORS = 100
LONGEST_LINE = 65_536


def read_whole(file: IO[bytes], db: Session) -> "Report":
    """Read the whole upload, decode it, list its rows, insert them all."""
    content = file.read()
    lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    report = Report()
    with db.begin():
        users = list(valid_users(lines, report))
        insert_users(db, users, report)
    return report


def join_chunks(file: IO[bytes], db: Session) -> "Report":
    """Read the upload in chunks of 64 KiB, join them, and go on as before.

    This is the lesson's loop. In the end it holds what `read` would have held, and each ``+=``
    copies all that came before.
    """
    content = b""
    while chunk := file.read(65_536):
        content += chunk
    lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    report = Report()
    with db.begin():
        users = list(valid_users(lines, report))
        insert_users(db, users, report)
    return report


def stream_rows(file: IO[bytes], db: Session, batch: int = 1_000) -> "Report":
    """Decode line by line, validate row by row, insert batch by batch, in one transaction."""
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    report = Report()
    try:
        with db.begin():
            users = valid_users(lines, report)
            while page := list(islice(users, batch)):
                insert_users(db, page, report)
    finally:
        lines.detach()  # or the wrapper would close a file that is not its own
    return report


def copy_rows(file: IO[bytes], db: Session, batch: int = PAGE) -> "Report":
    """Validate a batch in one call, COPY it to a temporary table, and insert all from there.

    The server stores one batch while the next is validated, and no row of the table of users is
    locked before the whole file has been read.
    """
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    report = Report()
    try:
        with db.begin():
            header, pages = read_pages(bounded(lines), batch, report.reject)
            users = (NEW_USERS.valid(header, page, report.reject) for page in pages)
            report.add(*import_rows(db, "users", "email", NEW_USERS.columns, users))
    finally:
        lines.detach()  # or the wrapper would close a file that is not its own
    return report


class NewUser(TypedDict):
    """A row of the CSV, as it must be; PostgreSQL's text holds no NUL."""

    email: Annotated[str, Field(pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=254)]
    name: Annotated[str, Field(pattern=r"^[^\x00]+$", max_length=200)]
    age: Annotated[int, Field(ge=0, le=150)]
    can_export: bool


@dataclass
class Report:
    """What became of an upload; the errors are the first ones, and counted beyond that.

    ``errors`` holds pairs of a line of the file, counted from 1, and what is wrong with the row
    that starts there. ``duplicates`` are rows whose address was there before.
    """

    imported: int = 0
    duplicates: int = 0
    rejected: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def add(self, imported: int, duplicates: int) -> None:
        """Count what has been inserted, and what was there before."""
        self.imported += imported
        self.duplicates += duplicates

    def reject(self, line: int, error: ValidationError | csv.Error) -> None:
        """Count a bad row, and describe it if few have been described so far."""
        self.rejected += 1
        if len(self.errors) >= MOST_ERRORS:
            return
        said = str(error)
        if isinstance(error, ValidationError):
            problems = error.errors(include_url=False, include_input=False, include_context=False)
            said = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems)
        self.errors.append((line, said))


_NEW_USER = TypeAdapter(NewUser)
NEW_USERS = Checker(NewUser)


def valid_users(lines: TextIO, report: Report) -> Iterator[NewUser]:
    """Yield the rows that are valid, and report the others; blank lines are passed over."""
    header: list[str] = []
    for line, row in read_rows(bounded(lines)):
        try:
            if isinstance(row, csv.Error):
                raise row
            if header:
                yield _NEW_USER.validate_python(dict(zip(header, row, strict=False)))
        except (ValidationError, csv.Error) as error:
            report.reject(line, error)
        else:
            header = header or row


def bounded(lines: TextIO) -> Iterator[str]:
    """Yield line after line, and refuse one that is longer than any honest row.

    Raises:
        ValueError: A line is too long; a file without a newline would else be one row.
    """
    number = 0
    while line := lines.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise ValueError(f"line {number} is longer than {LONGEST_LINE:,} characters")
        yield line


def insert_users(db: Session, users: list[NewUser], report: Report) -> None:
    """Insert users in one statement, an array for each column, and count those already there."""
    if not users:
        return
    columns = {"email": Text, "name": Text, "age": Integer, "can_export": Boolean}
    arrays = [
        func.unnest(type_coerce([user[name] for user in users], ARRAY(kind)))  # type: ignore[literal-required]
        for name, kind in columns.items()
    ]
    statement = insert(User).from_select(list(columns), select(*arrays)).on_conflict_do_nothing()
    inserted = db.execute(statement).rowcount  # type: ignore[attr-defined]
    report.add(inserted, len(users) - inserted)


def digest_import(report: Report, upload: object, db: Session) -> Outcome:
    """The answer is the report and what the table holds afterwards, digested in the server."""
    digest = Digest()
    digest.add([report.imported, report.duplicates, report.rejected, report.errors])
    held = text("select count(*), sum(hashtextextended(users::text, 0)) from users")
    digest.add([str(value) for value in db.execute(held).one()])
    counts = {"imported": report.imported, "rejected": report.rejected}
    return Outcome(digest.hex(), {**counts, **db.info["counts"]})


PATTERN = Pattern(
    name="csv_upload",
    world=upload,
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
            springs="memory",
            why="The chunks are joined again, so the whole file is held, as bytes and as text.",
        ),
        Variant(stream_rows, role="streaming", peak=O("batch")),
        Variant(copy_rows, role="tuned", peak=O("batch")),
    ),
)
