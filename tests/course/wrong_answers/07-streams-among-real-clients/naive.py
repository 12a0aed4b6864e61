# out of memory, grows
"""Load every post, decide, and send one text."""

from fastapi import HTTPException
from fastapi.responses import PlainTextResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post


def export(engine, since, may_export):
    if not may_export:
        raise HTTPException(403)
    with Session(engine) as db:
        posts = db.scalars(select(Post).where(Post.id > since).order_by(Post.id)).all()
        if not posts:
            raise HTTPException(404)
        lines = (f"{post.id}\t{post.title}\t{post.view_count}\n" for post in posts)
        return PlainTextResponse("".join(lines))
