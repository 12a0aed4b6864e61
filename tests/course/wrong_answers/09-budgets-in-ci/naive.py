# out of memory
"""Load every post, join all lines into one text."""

import json
from itertools import groupby

from sqlalchemy import select

from lab.data.models import Post


def feed(db):
    posts = db.scalars(select(Post).order_by(Post.id)).all()
    lines = []
    for day, of_the_day in groupby(posts, key=lambda post: post.created_at.date()):
        lines.append({"day": day.isoformat()})
        lines += [as_dict(post) for post in of_the_day]
    lines.append({"posts": len(posts), "views": sum(post.view_count for post in posts)})
    yield "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def as_dict(post):
    at = post.created_at.isoformat()
    return {"id": post.id, "title": post.title, "views": post.view_count, "at": at}
