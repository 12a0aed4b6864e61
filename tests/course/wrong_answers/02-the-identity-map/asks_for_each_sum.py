# too slow
"""Have the database add up the author's views anew for each post."""

from sqlalchemy import func, select

from lab.data.models import Post


def running_views(db):
    query = select(Post.id, Post.author_id).order_by(Post.id)
    for id_, author in db.execute(query, execution_options={"yield_per": 500}):
        total = select(func.sum(Post.view_count)).where(Post.id <= id_)
        yield id_, author, db.scalar(total.where(Post.author_id.is_not_distinct_from(author)))
