# grows, out of memory
"""The cell as it stands in the notebook: keep every line, to count them at the end."""

import json
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post


def feed(db: Session) -> Iterator[str]:
    """Yield the posts as lines of JSON, with a line for each day and the totals at the end."""
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    day = None
    sent = []
    for post in db.execute(query, execution_options={"yield_per": 250}):
        if post.created_at.date() != day:
            day = post.created_at.date()
            yield as_line({"day": day.isoformat()})
        line = {"id": post.id, "title": post.title, "views": post.view_count}
        line["at"] = post.created_at.isoformat()
        yield as_line(line)
        sent.append(line)
    yield as_line({"posts": len(sent), "views": sum(line["views"] for line in sent)})


def as_line(record: dict) -> str:
    """Return a record as a line of JSON."""
    return json.dumps(record, ensure_ascii=False) + "\n"
