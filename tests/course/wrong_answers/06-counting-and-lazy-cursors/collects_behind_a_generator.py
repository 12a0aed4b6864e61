# grows, out of memory
"""Have everything in a list behind a generator, and count that."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    return top(behind(db))


def behind(db):
    everything = list(tags_of_posts(db))
    yield from everything


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
