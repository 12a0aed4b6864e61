"""Count the tags of published posts, with one batch of them in memory at a time."""

from collections import Counter
from heapq import nsmallest

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post

TOP = 20


def top_tags(db: Session) -> list[tuple[str, int]]:
    """Return the most frequent tags with their counts; equal counts are sorted by name."""
    counts: Counter[str] = Counter()
    query = select(Post.tags).where(Post.published)
    for tags in db.scalars(query, execution_options={"yield_per": 500}):
        counts.update(tags)
    return nsmallest(TOP, counts.items(), key=lambda pair: (-pair[1], pair[0]))
