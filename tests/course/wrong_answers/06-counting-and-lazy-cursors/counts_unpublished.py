# wrong answer: item
"""Count the tags of posts that nobody may see, too."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    counts = Counter()
    for tags in db.scalars(select(Post.tags), execution_options={"yield_per": 500}):
        counts.update(tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
