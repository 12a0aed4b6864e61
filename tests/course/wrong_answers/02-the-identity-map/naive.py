# out of memory
"""Stream the posts, and keep those of each author to add up their views."""

from collections import defaultdict

from sqlalchemy import select

from lab.data.models import Post


def running_views(db):
    posts = defaultdict(list)
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        posts[post.author_id].append(post)
        yield post.id, post.author_id, sum(one.view_count for one in posts[post.author_id])
