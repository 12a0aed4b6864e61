"""Show for each post how many views its author has up to that post."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post


def running_views(db: Session) -> Iterator[tuple[int, int | None, int]]:
    """Yield id and author of each post by id, and the author's views up to and including it."""
    views: Counter[int | None] = Counter()
    query = select(Post.id, Post.author_id, Post.view_count).order_by(Post.id)
    for id_, author, view_count in db.execute(query, execution_options={"yield_per": 500}):
        views[author] += view_count
        yield id_, author, views[author]
