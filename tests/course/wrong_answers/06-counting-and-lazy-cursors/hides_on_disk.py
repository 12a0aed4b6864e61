# grows: files
"""Write everything to a temporary file, and count that."""

import json
from collections import Counter
from tempfile import TemporaryFile

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    with TemporaryFile("w+") as file:
        for tags in tags_of_posts(db):
            file.write(json.dumps(tags) + "\n")
        file.seek(0)
        return top(map(json.loads, file))


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
