# error in your code: line
"""Fail after some posts."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    return top(tags for number, tags in enumerate(tags_of_posts(db)) if 1 / (50 - number))


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
