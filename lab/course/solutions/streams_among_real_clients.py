"""Export the titles of posts: refuse before the first byte, and release the session at the end."""

from collections.abc import Iterator
from itertools import chain

from fastapi import HTTPException
from fastapi.responses import Response
from sqlalchemy import Engine, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.streams import OwningResponse, gather


def export(engine: Engine, since: int, may_export: bool) -> Response:
    """Send the posts after an id, or refuse before the first byte."""
    if not may_export:
        raise HTTPException(403, "you have no permission to export posts")
    chunks = gather(lines(engine, since))
    return OwningResponse(chunks, busy=(PoolTimeoutError,), media_type="text/plain")


def lines(engine: Engine, since: int) -> Iterator[str]:
    """Yield a line for each post.

    Raises:
        HTTPException: With status 404, before the first line, if there is no post.
    """
    query = select(Post.id, Post.title, Post.view_count).where(Post.id > since).order_by(Post.id)
    with Session(engine) as db:
        rows = iter(db.execute(query, execution_options={"yield_per": 250}))
        first = next(rows, None)
        if first is None:
            raise HTTPException(404, "there are no posts after this id")
        for id_, title, views in chain([first], rows):
            yield f"{id_}\t{title}\t{views}\n"
