# out of memory
"""Load every published post, and look up the next one in the list."""

from sqlalchemy import select

from lab.data.models import Post


def published(db):
    posts = db.scalars(select(Post).where(Post.published).order_by(Post.id)).all()
    for place, post in enumerate(posts):
        following = posts[place + 1].title if place + 1 < len(posts) else None
        yield post.id, post.title, post.view_count, following
