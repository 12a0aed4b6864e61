"""Send every post as a line of JSON, with a line before each day and the totals at the end."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.streams import gather


def feed(db: Session) -> Iterator[str]:
    """Yield the lines in chunks of about 64 KiB."""
    yield from gather(lines(db))


def lines(db: Session) -> Iterator[str]:
    """Yield the posts by id, with a line before each day and the totals as the last line."""
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    posts = views = 0
    rows = db.execute(query, execution_options={"yield_per": 250})
    for day, rows_of_day in groupby(rows, key=lambda post: post.created_at.date()):
        yield as_line({"day": day.isoformat()})
        for id_, title, view_count, created in rows_of_day:
            line = {"id": id_, "title": title, "views": view_count, "at": created.isoformat()}
            yield as_line(line)
            posts += 1
            views += view_count
    yield as_line({"posts": posts, "views": views})


def as_line(record: dict[str, Any]) -> str:
    """Return a record as a line of JSON, without escaping its letters."""
    return json.dumps(record, ensure_ascii=False) + "\n"
