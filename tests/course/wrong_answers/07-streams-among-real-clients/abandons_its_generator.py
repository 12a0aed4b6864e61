# wrong answer: connections checked out and should be after 2 disconnects: 0 connections checked out
"""Ask first, and leave the generator with its session to a plain response."""

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy import exists


def answer(engine, since, may_export):
    if not may_export:
        raise HTTPException(403)
    with Session(engine) as db:
        if not db.scalar(select(exists().where(Post.id > since))):
            raise HTTPException(404)
    return StreamingResponse(gather(lines(engine, since)), media_type="text/plain")
