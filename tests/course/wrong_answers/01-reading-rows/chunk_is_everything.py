# grows, out of memory
"""Stream the rows from the database into a list, and go through that with its neighbours."""

from sqlalchemy import select

from lab.data.models import Post


def published(db):
    query = select(Post.id, Post.title, Post.view_count).where(Post.published).order_by(Post.id)
    rows = list(db.execute(query, execution_options={"yield_per": 500}))
    titles = [row.title for row in rows[1:]] + [None]
    for row, following in zip(rows, titles):
        yield row.id, row.title, row.view_count, following
