# wrong answer
"""Name the right tags, and count the first of each alone."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    return [(tag, 1) for tag, _ in top(tags_of_posts(db))]


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
