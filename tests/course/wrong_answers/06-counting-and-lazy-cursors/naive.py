# out of memory
"""Load every post, and count."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    counts = Counter()
    for post in db.scalars(select(Post).where(Post.published)).all():
        counts.update(post.tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
