# grows
"""Let the posts go, and keep a number of each for the total."""

import json
from itertools import groupby

from sqlalchemy import select

from lab.data.models import Post


def feed(db):
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    views = []
    found = db.execute(query, execution_options={"yield_per": 250})
    for day, of_the_day in groupby(found, key=lambda post: post.created_at.date()):
        yield as_line({"day": day.isoformat()})
        for post in of_the_day:
            at = post.created_at.isoformat()
            line = {"id": post.id, "title": post.title, "views": post.view_count, "at": at}
            yield as_line(line)
            views.append(post.view_count)
    yield as_line({"posts": len(views), "views": sum(views)})


def as_line(of):
    return json.dumps(of, ensure_ascii=False) + "\n"
