"""The columns of a post that exports show: in SQL, as a row, and as JSON."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TIMESTAMP

from lab.data.models import Author, Post
from lab.toolbox.csv_writer import FORMULA

HEADER = ("id", "title", "author", "views", "created_at")

TextInSQL = Any
"""A column, or an expression of columns; SQLAlchemy has no common type for the two."""


def as_it_is(text: TextInSQL) -> TextInSQL:
    """Return a text unchanged."""
    return text


def without_formula(text: TextInSQL) -> TextInSQL:
    """Make a text harmless for a spreadsheet in SQL, as `SheetWriter` does in Python."""
    return case((func.left(text, 1).in_(FORMULA), literal("'").concat(text)), else_=text)


def joined_columns(
    shown: Callable[[TextInSQL], TextInSQL] = as_it_is,
) -> Select[int, str | None, str | None, int, str]:
    """Select the columns of an export, with each author's name from a join.

    Empty text is NULL: `csv` and COPY write nothing between two commas for NULL, while COPY
    writes ``""`` for empty text.

    Args:
        shown: Applied to each column of text.
    """
    return (
        select(
            Post.id,
            func.nullif(shown(Post.title), "").label("title"),
            func.nullif(shown(Author.name), "").label("author"),
            Post.view_count.label("views"),
            utc_text(Post.created_at).label("created_at"),
        )
        .join_from(Post, Author, isouter=True)
        .order_by(Post.id)
    )


def utc_text(time: Any) -> ColumnElement[Any]:
    """Write a time in UTC as `isoformat` does, with a fraction of a second only if it has one.

    The cast to text takes half as long as `to_char`, but drops the zeros at a fraction's end.
    """
    utc = func.timezone("UTC", time, type_=TIMESTAMP())
    written = func.replace(cast(utc, Text), " ", "T")
    with_fraction = func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US')
    whole = utc == cast(utc, TIMESTAMP(precision=0))
    return case((whole, written), else_=with_fraction).concat("+00:00")


class PostRow(NamedTuple):
    """The columns of a post that the JSON export shows."""

    id: int
    title: str
    view_count: int
    created_at: datetime


def post_json(post: Any) -> bytes:
    """Write a post, or a row like `PostRow`, as one line of JSON."""
    shown = {
        "id": post.id,
        "title": post.title,
        "views": post.view_count,
        "created_at": post.created_at.isoformat(),
    }
    return json.dumps(shown, ensure_ascii=False).encode() + b"\n"
