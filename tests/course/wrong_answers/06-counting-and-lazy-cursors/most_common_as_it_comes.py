# wrong answer: item
"""Leave tags with equal counts in the order in which they came."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    counts = Counter()
    query = select(Post.tags).where(Post.published).order_by(Post.id)
    for tags in db.scalars(query, execution_options={"yield_per": 500}):
        counts.update(tags)
    return counts.most_common(20)
