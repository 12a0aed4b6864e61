# wrong answer: item 2 is no new posts: 200
"""Answer an export of nothing with an empty body."""

from fastapi import HTTPException


def answer(engine, since, may_export):
    if not may_export:
        raise HTTPException(403)
    return OwningResponse(gather(found(engine, since)), media_type="text/plain")


def found(engine, since):
    query = select(Post.id, Post.title, Post.view_count).where(Post.id > since).order_by(Post.id)
    with Session(engine) as db:
        for id_, title, views in db.execute(query, execution_options={"yield_per": 250}):
            yield f"{id_}\t{title}\t{views}\n"
