# wrong answer: connections checked out and should be after 2 disconnects: 0 connections checked out
"""Open the session before the response, and close it after the last row."""

from fastapi import HTTPException
from fastapi.responses import StreamingResponse


def answer(engine, since, may_export):
    if not may_export:
        raise HTTPException(403)
    db = Session(engine)
    query = select(Post.id, Post.title, Post.view_count).where(Post.id > since).order_by(Post.id)
    rows = iter(db.execute(query, execution_options={"yield_per": 250}))
    first = next(rows, None)
    if first is None:
        db.close()
        raise HTTPException(404)

    def found():
        for row in chain([first], rows):
            yield "\t".join(map(str, row)) + "\n"
        db.close()

    return StreamingResponse(gather(found()), media_type="text/plain")
