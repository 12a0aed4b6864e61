# wrong answer: and should be
"""Join the authors, and lose the posts that have none."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Author, Post


def running_views(db):
    views = Counter()
    query = select(Post.id, Author.id, Post.view_count).join(Post.author).order_by(Post.id)
    for id_, author, seen in db.execute(query, execution_options={"yield_per": 500}):
        views[author] += seen
        yield id_, author, views[author]
