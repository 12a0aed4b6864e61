# out of memory
"""Let go of each post, but assign the sum to it first, so that the session cannot."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def running_views(db):
    views = Counter()
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        views[post.author_id] += post.view_count
        post.view_count = views[post.author_id]
        yield post.id, post.author_id, post.view_count
