# out of memory
"""Load the posts of every client, and write one text for each."""

import csv
from io import StringIO

from sqlalchemy import select

from lab.data.models import Post


def export(db, first, last):
    posts = db.scalars(select(Post).where(Post.id.between(first, last)).order_by(Post.id)).all()
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("id", "title", "body"))
    writer.writerows((post.id, post.title, post.body) for post in posts)
    yield buffer.getvalue()
