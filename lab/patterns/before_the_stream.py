"""What must be settled before the first byte of a stream, and at what price?

The status is sent before the body. Once it says 200 there is no way to say 404, so whatever can
still be refused has to be known by then. Loading everything settles it and costs memory for each
row; a check inside the generator costs nothing and comes too late. A question of its own, or the
first chunk, settles it for the price of a row.
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

from lab.data.models import Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import CROWDS, O, Outcome, Pattern, Request, Variant
from lab.routes import ERRORS, Batch, Posts, Rows, endpoint, options_for
from lab.streams import OwningResponse, gather
from lab.units import doubling

ALWAYS = datetime(2024, 1, 1, tzinfo=UTC)
"""The first post is from then, so nothing is refused."""

Parts = Iterator[int | str]
"""A status, and then the body's lines: the order in which a server needs them."""


class NoPostsError(LookupError):
    """There is nothing to send."""


def load_then_decide(db: Session, since: datetime = ALWAYS) -> Parts:
    """Load every post, and say whether there are any."""
    found = db.scalars(_posts(since)).all()
    if not found:
        yield 404
        return
    yield 200
    for post in found:
        yield _line(post.id, post.title)


def decide_in_the_stream(db: Session, since: datetime = ALWAYS, batch: int = 1_000) -> Parts:
    """Say 200, start, and find out then that there is nothing to send.

    This is what a check inside the generator comes to: the server sends the status before it asks
    for the first chunk. A check of rights in there is as late, and lets everybody in.
    """
    yield 200
    nothing = True
    for post in db.scalars(_posts(since), execution_options={"yield_per": batch}):
        nothing = False
        yield _line(post.id, post.title)
    if nothing:
        raise NoPostsError(since)


def ask_then_stream(db: Session, since: datetime = ALWAYS, batch: int = 1_000) -> Parts:
    """Ask whether there is a post, and stream when there is one."""
    if db.scalar(_posts(since).with_only_columns(Post.id).limit(1)) is None:
        yield 404
        return
    yield 200
    for post in db.scalars(_posts(since), execution_options={"yield_per": batch}):
        yield _line(post.id, post.title)


def first_row_decides(db: Session, since: datetime = ALWAYS, batch: int = 1_000) -> Parts:
    """Fetch the first row, decide, and go on from there: no second question, and no race."""
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


def digest_parts(parts: Parts, db: Session) -> Outcome:
    """Receive the status and the body; the answer is both."""
    digest, lines = Digest(), 0
    for part in parts:
        digest.add(part)
        lines += isinstance(part, str)
    return Outcome(digest.hex(), {"lines": lines, **db.info["counts"]})


PATTERN = Pattern(
    name="before_the_stream",
    world=posts,
    prepare=posts_ready,
    outcome=digest_parts,
    axes={
        "rows": doubling(8_000, 128_000),
        "batch": doubling(125, 2_000),
        "clients": CROWDS,
    },
    fixed={"rows": 8_000},
    request=Request("GET /posts/since.txt?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        Variant(load_then_decide, role="naive", peak=O("rows", per_client="20 MB")),
        Variant(
            decide_in_the_stream,
            role="trap",
            peak=O("batch"),
            springs="status",
            why="It has said 200 by the time it knows that there is nothing to send.",
        ),
        Variant(ask_then_stream, role="streaming", peak=O("batch")),
        Variant(first_row_decides, role="streaming", peak=O("batch", per_client="1.15 MB")),
    ),
)


router = APIRouter()


def _moment(given: str | datetime) -> datetime:
    """Read a date and time by ISO 8601, and say it in UTC, where nothing else is said.

    The parameter's default is a moment already; some versions of FastAPI bring it here as well.
    """
    said = datetime.fromisoformat(given) if isinstance(given, str) else given
    try:
        return said.replace(tzinfo=said.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError("the year is out of range") from None


Since = Annotated[
    datetime,
    BeforeValidator(_moment),
    Query(description="Only posts from then on."),
]


@endpoint(
    router,
    PATTERN,
    "/posts/since.txt",
    "text/plain",
    responses={**ERRORS, 404: {"description": "No post is as new as that"}},
)
def posts_since(
    variant: Variant, store: Posts, rows: Rows, since: Since = ALWAYS, batch: Batch = 1_000
) -> Response:
    """Send the titles of posts since some time; 404 where there are none.

    The response asks for the first chunk before it sends the status, so an exception up to there
    is still an answer.
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
