"""How do I load a CSV that I trust?

Not row by row: COPY parses CSV itself, and the table's types and constraints are the validation.
The whole file is loaded; or the client learns the line of the first row that does not fit, and no
row is stored. The bytes need not become text or rows, and need not be kept. COPY goes into the
table itself, with its indexes, in one pass: through a temporary table, as an import with duplicates
needs it, the load takes 20 % longer. The cost is that the rows of a slow client stay uncommitted,
and another client with the same key has to wait.
"""

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import upload_ready
from lab.data.models import User
from lab.endpoints.routes import Posts, endpoint
from lab.endpoints.uploads import CSV_FILE, REFUSALS, UploadRoute, run_upload
from lab.pattern import Pattern, Variant
from lab.patterns.shared.outcomes import digest_load
from lab.patterns.shared.user_import import MAX_UPLOAD, upload_body
from lab.toolbox.copy_csv import copy_csv
from lab.toolbox.multipart import Upload, csv_file, limited
from lab.units import doubling

COLUMNS = tuple(column.name for column in User.__table__.columns if column.identity is None)


def load_whole(upload: Upload, db: Session) -> int:
    """Receive the whole body into memory, then COPY the file from there."""
    body = b"".join(limited(upload, MAX_UPLOAD))
    content = b"".join(csv_file([body], upload.content_type))
    imported = copy_csv(db, "users", COLUMNS, _blocks(BytesIO(content)))
    db.commit()
    return imported


def load_spooled(upload: Upload, db: Session) -> int:
    """Spool the file to disk, as an `UploadFile` does, then COPY it from there in blocks.

    However slowly it arrives, no row is locked until it is complete; the file is written twice.
    """
    with SpooledTemporaryFile(max_size=1024 * 1024) as spool:
        for piece in csv_file(limited(upload, MAX_UPLOAD), upload.content_type):
            spool.write(piece)
        spool.seek(0)
        imported = copy_csv(db, "users", COLUMNS, _blocks(spool))
    db.commit()
    return imported


def load_as_it_arrives(upload: Upload, db: Session) -> int:
    """COPY each piece of the file when it arrives; the client waits when the database is slower."""
    pieces = csv_file(limited(upload, MAX_UPLOAD), upload.content_type)
    imported = copy_csv(db, "users", COLUMNS, pieces)
    db.commit()
    return imported


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(file.read, 65_536), b"")


PATTERN = Pattern(
    name="bulk_load",
    open_inputs=partial(upload_body, clean=True),
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
    responses={**REFUSALS, 409: {"description": "A key that exists, or comes twice"}},
    openapi_extra=CSV_FILE,
    response_model=Loaded,
)
async def load_users(variant: Variant, request: Request, store: Posts) -> Loaded:
    """Load a CSV of users, the body or a form's file: all of it or, if a row is bad, nothing."""
    return Loaded(imported=await run_upload(variant, request, store))
