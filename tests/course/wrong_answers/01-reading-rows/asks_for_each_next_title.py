# too slow
"""Stream the posts, and send a statement for the title after each."""

from sqlalchemy import select

from lab.data.models import Post


def published(db):
    query = select(Post.id, Post.title, Post.view_count).where(Post.published).order_by(Post.id)
    after = select(Post.title).where(Post.published).order_by(Post.id).limit(1)
    for row in db.execute(query, execution_options={"yield_per": 500}):
        yield row.id, row.title, row.view_count, db.scalar(after.where(Post.id > row.id))
