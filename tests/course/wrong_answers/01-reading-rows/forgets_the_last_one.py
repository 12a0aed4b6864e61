# wrong answer: it ends after
"""Go through the rows in pairs, and say nothing of the one that has no next."""

from itertools import pairwise

from sqlalchemy import select

from lab.data.models import Post


def published(db):
    query = select(Post.id, Post.title, Post.view_count).where(Post.published).order_by(Post.id)
    for row, following in pairwise(db.execute(query, execution_options={"yield_per": 500})):
        yield row.id, row.title, row.view_count, following.title
