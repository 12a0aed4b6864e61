# grows, out of memory
"""Have another thread keep everything."""

from collections import Counter
from queue import SimpleQueue
from threading import Thread

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    kept = SimpleQueue()

    def keep():
        try:
            for tags in tags_of_posts(db):
                kept.put((tags,))
        finally:
            kept.put(None)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    return top(entry[0] for entry in iter(kept.get, None))


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
