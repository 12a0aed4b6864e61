# out of memory
"""Load every post, write them all into one string."""

import csv
from io import StringIO

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lab.data.models import Post


def export(db):
    posts = db.scalars(select(Post).options(joinedload(Post.author)).order_by(Post.id)).all()
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("id", "title", "author", "views", "created_at"))
    for post in posts:
        author = post.author.name if post.author else ""
        writer.writerow([post.id, post.title, author, post.view_count, post.created_at.isoformat()])
    yield buffer.getvalue()
