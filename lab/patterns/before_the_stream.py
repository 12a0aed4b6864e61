"""What must be checked before the first byte of a stream, and at what cost?

The status is sent before the body. After 200 it cannot become 404, so every reason to refuse must
be known by then. Loading everything first costs memory for each row; a check inside the generator
costs nothing and comes too late. A query for one row, or the first chunk, costs one row.
"""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BeforeValidator
from sqlalchemy import Select, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Post
from lab.endpoints.routes import ERRORS, Batch, Posts, Rows, endpoint, options_for
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.outcomes import digest_parts
from lab.streams import OwningResponse, gather
from lab.toolbox.utc_time import utc_time
from lab.units import doubling

ALWAYS = datetime(2024, 1, 1, tzinfo=UTC)
"""The time of the first post, so all posts are selected."""

Parts = Iterator[int | str]
"""A status, and then the lines of the body: the order in which a server needs them."""


class NoPostsError(LookupError):
    """There is no post to send."""


def load_then_decide(db: Session, since: datetime = ALWAYS) -> Parts:
    """Load every post, and check whether there is one."""
    loaded = db.scalars(_posts(since)).all()
    if not loaded:
        yield 404
        return
    yield 200
    for post in loaded:
        yield _line(post.id, post.title)


def decide_in_the_stream(db: Session, since: datetime = ALWAYS, batch: int = 1_000) -> Parts:
    """Send 200, start the body, and notice then that there is no post.

    A check inside the generator does this: the server sends the status before it reads the first
    chunk. A check of permissions inside it is as late, and admits everybody.
    """
    yield 200
    nothing = True
    for post in db.scalars(_posts(since), execution_options={"yield_per": batch}):
        nothing = False
        yield _line(post.id, post.title)
    if nothing:
        raise NoPostsError(since)


def ask_then_stream(db: Session, since: datetime = ALWAYS, batch: int = 1_000) -> Parts:
    """Query whether there is a post, and stream if there is one."""
    if db.scalar(_posts(since).with_only_columns(Post.id).limit(1)) is None:
        yield 404
        return
    yield 200
    for post in db.scalars(_posts(since), execution_options={"yield_per": batch}):
        yield _line(post.id, post.title)


def first_row_decides(db: Session, since: datetime = ALWAYS, batch: int = 1_000) -> Parts:
    """Fetch the first row, decide, and continue from it: one query, and no race."""
    columns = _posts(since).with_only_columns(Post.id, Post.title)
    rows = iter(db.execute(columns, execution_options={"yield_per": batch}))
    first = next(rows, None)
    if first is None:
        yield 404
        return
    yield 200
    yield _line(*first)
    for row in rows:
        yield _line(*row)


def _posts(since: datetime) -> Select[Post]:
    return select(Post).where(Post.created_at >= since).order_by(Post.id)


def _line(id_: int, title: str) -> str:
    return f"{id_}\t{title}\n"


PATTERN = Pattern(
    name="before_the_stream",
    open_inputs=posts,
    prepare=posts_ready,
    outcome=digest_parts,
    axes={"rows": doubling(8_000, 128_000), "batch": doubling(125, 2_000), "clients": CROWDS},
    fixed={"rows": 8_000},
    request=Request("GET /posts/since.txt?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        Variant(load_then_decide, role="naive", peak=O("rows"), per_client="20 MB"),
        Variant(
            decide_in_the_stream,
            role="trap",
            peak=O("batch"),
            fails_by="status",
            because="The status 200 is sent before the generator knows that there is no post.",
        ),
        Variant(ask_then_stream, role="streaming", peak=O("batch")),
        Variant(first_row_decides, role="streaming", peak=O("batch"), per_client="1.15 MB"),
    ),
)


router = APIRouter()


Since = Annotated[
    datetime,
    BeforeValidator(utc_time),
    Query(description="Only posts from this time on; UTC where it names no zone."),
]


@endpoint(
    router,
    PATTERN,
    "/posts/since.txt",
    "text/plain",
    responses={**ERRORS, 404: {"description": "There is no post since then"}},
)
def posts_since(
    variant: Variant, store: Posts, rows: Rows, since: Since = ALWAYS, batch: Batch = 1_000
) -> Response:
    """Send the titles of posts since a time; 404 if there are none.

    The response makes the first chunk before it sends the status, so an exception until then can
    still be an answer.
    """

    def lines() -> Generator[str, None, None]:
        with store.posts(rows) as db:
            for part in variant.run(db, since, **options_for(variant, batch=batch)):
                if part == 404:
                    raise HTTPException(404, "there are no posts since then")
                if isinstance(part, str):
                    yield part

    if variant.role == "trap":
        return StreamingResponse(gather(lines()), media_type="text/plain")
    return OwningResponse(gather(lines()), busy=(PoolTimeoutError,), media_type="text/plain")
