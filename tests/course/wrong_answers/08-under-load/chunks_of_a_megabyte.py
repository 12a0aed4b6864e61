# grows, out of memory
"""Send a megabyte at a time."""

import csv
from io import StringIO

from sqlalchemy import select

from lab.data.models import Post
from lab.streams import gather


def export(db, first, last):
    yield from gather(lines(db, first, last), 1_000_000)


def lines(db, first, last):
    query = (
        select(Post.id, Post.title, Post.body).where(Post.id.between(first, last)).order_by(Post.id)
    )
    yield as_line(("id", "title", "body"))
    for row in db.execute(query, execution_options={"yield_per": 50}):
        yield as_line(row)


def as_line(row):
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()
