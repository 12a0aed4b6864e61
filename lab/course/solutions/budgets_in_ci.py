"""Send every post as a line of JSON, each day under a line of its own, and totals at the end."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.streams import gather


def feed(db: Session) -> Iterator[str]:
    """Send the lines in chunks of about 64 KiB."""
    yield from gather(lines(db))


def lines(db: Session) -> Iterator[str]:
    """Yield the posts by id, a line before those of each day, and the totals last."""
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    posts = views = 0
    found = db.execute(query, execution_options={"yield_per": 250})
    for day, of_the_day in groupby(found, key=lambda post: post.created_at.date()):
        yield as_line({"day": day.isoformat()})
        for id_, title, view_count, created in of_the_day:
            line = {"id": id_, "title": title, "views": view_count, "at": created.isoformat()}
            yield as_line(line)
            posts += 1
            views += view_count
    yield as_line({"posts": posts, "views": views})


def as_line(of: dict[str, Any]) -> str:
    """Return an object as a line of JSON, with its letters as they are."""
    return json.dumps(of, ensure_ascii=False) + "\n"
