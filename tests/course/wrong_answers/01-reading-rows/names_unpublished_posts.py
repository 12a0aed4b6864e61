# wrong answer: and should be
"""Leave the unpublished posts out, but not as what comes next."""

from itertools import chain, pairwise

from sqlalchemy import select

from lab.data.models import Post


def published(db):
    query = select(Post.id, Post.title, Post.view_count, Post.published).order_by(Post.id)
    rows = db.execute(query, execution_options={"yield_per": 500})
    for row, following in pairwise(chain(rows, [None])):
        if row.published:
            yield row.id, row.title, row.view_count, following.title if following else None
