# too slow
"""Be right, and take fifty times as long."""

import time
from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    began = time.perf_counter()
    found = top(tags_of_posts(db))
    time.sleep(50 * (time.perf_counter() - began))
    return found


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
