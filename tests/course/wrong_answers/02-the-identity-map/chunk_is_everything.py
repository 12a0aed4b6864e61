# grows, out of memory
"""Stream the columns, and yield when all of the answer is there."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def running_views(db):
    views, answer = Counter(), []
    query = select(Post.id, Post.author_id, Post.view_count).order_by(Post.id)
    for id_, author, seen in db.execute(query, execution_options={"yield_per": 500}):
        views[author] += seen
        answer.append((id_, author, views[author]))
    yield from answer
