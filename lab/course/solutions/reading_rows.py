"""Show each published post with the title of the next one."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post


def published(db: Session) -> Iterator[tuple[int, str, int, str | None]]:
    """Yield id, title and views of the published posts by id, and the next one's title."""
    query = select(Post.id, Post.title, Post.view_count).where(Post.published).order_by(Post.id)
    rows = iter(db.execute(query, execution_options={"yield_per": 500}))
    row = next(rows, None)
    while row is not None:
        following = next(rows, None)
        yield row.id, row.title, row.view_count, following.title if following else None
        row = following
