# grows: the database
"""Have the database sort all posts by author, and back again."""

from sqlalchemy import func, select

from lab.data.models import Post


def running_views(db):
    total = func.sum(Post.view_count).over(partition_by=Post.author_id, order_by=Post.id)
    query = select(Post.id, Post.author_id, total).order_by(Post.id)
    for id_, author, seen in db.execute(query, execution_options={"yield_per": 500}):
        yield id_, author, int(seen)
