# wrong answer
"""Keep the answer to the first question in a table, and give it to every other one."""

import sys
from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    table = vars(sys).setdefault("a table", [])
    if not table:
        table.extend(top(tags_of_posts(db)))
    return table


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
