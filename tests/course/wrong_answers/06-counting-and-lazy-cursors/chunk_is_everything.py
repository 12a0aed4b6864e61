# grows, out of memory
"""Select one column, with a cursor that the driver empties before the first row is seen."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    counts = Counter()
    for tags in db.scalars(select(Post.tags).where(Post.published)):
        counts.update(tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
