"""A CSV of users: the rules for a row, the report of an import, and the INSERT of a batch."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import ARRAY, Boolean, Integer, Text, func, select, type_coerce
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from lab.data.inputs import upload
from lab.data.models import User
from lab.toolbox.multipart import Upload
from lab.toolbox.row_validation import RowValidator
from lab.toolbox.upload_form import FORM, as_form
from lab.units import parse_bytes

MAX_UPLOAD = parse_bytes(os.environ.get("MEMORY_LAB_MAX_UPLOAD", "200MB"))
"""The most bytes of a request."""

MOST_ERRORS = 100
"""Bad rows that a report describes; it counts the rest."""


class NewUser(TypedDict):
    """A valid row of the CSV; text in PostgreSQL may not contain a NUL."""

    email: Annotated[str, Field(pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=254)]
    name: Annotated[str, Field(pattern=r"^[^\x00]+$", max_length=200)]
    age: Annotated[int, Field(ge=0, le=150)]
    can_export: bool


NEW_USERS = RowValidator(NewUser)


@dataclass
class Report:
    """The result of an import.

    Attributes:
        imported: Rows that were inserted.
        duplicates: Rows whose email existed before, in the table or earlier in the file.
        rejected: Rows that are not valid.
        errors: The first `MOST_ERRORS` of these, each as the number of the line that the row
            starts on, from 1, and the reason.
    """

    imported: int = 0
    duplicates: int = 0
    rejected: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def add(self, imported: int, duplicates: int) -> None:
        """Count rows that were inserted, and rows whose email existed before."""
        self.imported += imported
        self.duplicates += duplicates

    def reject(self, line: int, error: ValidationError | csv.Error) -> None:
        """Count a bad row, and describe it if it is one of the first."""
        self.rejected += 1
        if len(self.errors) >= MOST_ERRORS:
            return
        reason = str(error)
        if isinstance(error, ValidationError):
            problems = error.errors(include_url=False, include_input=False, include_context=False)
            reason = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems)
        self.errors.append((line, reason))


class RowError(BaseModel):
    """A row that was not imported, and the line it starts on."""

    line: int
    problem: str


class Imported(BaseModel):
    """The result of an upload: all rows are counted, and the first bad ones described."""

    imported: int
    duplicates: int
    rejected: int
    errors: list[RowError]

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return a report as the answer to a request."""
        errors = [RowError(line=line, problem=problem) for line, problem in report.errors]
        return cls(**{**vars(report), "errors": errors})


def insert_users(db: Session, users: Sequence[Mapping[str, Any]], report: Report) -> None:
    """Insert users in one statement, one array for each column, and count the duplicates."""
    if not users:
        return
    columns = {"email": Text, "name": Text, "age": Integer, "can_export": Boolean}
    arrays = [
        func.unnest(type_coerce([user[name] for user in users], ARRAY(kind)))
        for name, kind in columns.items()
    ]
    statement = insert(User).from_select(list(columns), select(*arrays)).on_conflict_do_nothing()
    inserted = db.execute(statement).rowcount  # type: ignore[attr-defined]
    report.add(inserted, len(users) - inserted)


@contextmanager
def upload_body(
    bytes: int,  # noqa: A002 - the axis has this name
    clean: bool = False,
) -> Iterator[tuple[Upload, Session]]:
    """Yield a form with a CSV of `bytes` bytes, in chunks of 64 KiB, and a session.

    Args:
        bytes: The size of the CSV.
        clean: Make only rows that are valid, with different emails.
    """
    with upload(bytes, clean) as (file, db):
        yield Upload(as_form(iter(lambda: file.read(65_536), b"")), FORM), db
