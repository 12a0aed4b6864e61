# wrong answer
"""Start the totals anew with each day."""

import json
from itertools import groupby

from sqlalchemy import select

from lab.data.models import Post


def feed(db):
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    found = db.execute(query, execution_options={"yield_per": 250})
    for day, of_the_day in groupby(found, key=lambda post: post.created_at.date()):
        posts = views = 0
        yield as_line({"day": day.isoformat()})
        for post in of_the_day:
            at = post.created_at.isoformat()
            line = {"id": post.id, "title": post.title, "views": post.view_count, "at": at}
            yield as_line(line)
            posts, views = posts + 1, views + post.view_count
        yield as_line({"posts": posts, "views": views})


def as_line(of):
    return json.dumps(of, ensure_ascii=False) + "\n"
