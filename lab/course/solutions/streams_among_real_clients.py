"""Export the titles of posts to real clients: refuse first, own what is streamed, give it back."""

from collections.abc import Iterator
from itertools import chain

from fastapi import HTTPException
from fastapi.responses import Response
from sqlalchemy import Engine, select
from sqlalchemy.exc import TimeoutError as NoneIsFree
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.streams import OwningResponse, gather


def export(engine: Engine, since: int, may_export: bool) -> Response:
    """Send the posts after an id, or say before the first byte why not."""
    if not may_export:
        raise HTTPException(403, "you may not export posts")
    chunks = gather(lines(engine, since))
    return OwningResponse(chunks, busy=(NoneIsFree,), media_type="text/plain")


def lines(engine: Engine, since: int) -> Iterator[str]:
    """Yield a line for each post; the first one decides whether there is anything to send."""
    query = select(Post.id, Post.title, Post.view_count).where(Post.id > since).order_by(Post.id)
    with Session(engine) as db:
        rows = iter(db.execute(query, execution_options={"yield_per": 250}))
        first = next(rows, None)
        if first is None:
            raise HTTPException(404, "there are no posts since then")
        for id_, title, views in chain([first], rows):
            yield f"{id_}\t{title}\t{views}\n"
