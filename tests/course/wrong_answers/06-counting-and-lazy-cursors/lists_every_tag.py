# grows, out of memory
"""Stream the posts, and put all their tags into a list to count."""

from collections import Counter

from sqlalchemy import select

from lab.data.models import Post


def top_tags(db):
    query = select(Post.tags).where(Post.published)
    posts = db.scalars(query, execution_options={"yield_per": 500})
    counts = Counter([tag for tags in posts for tag in tags])
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
