"""How do I count the tags of every post: with objects, with one column, or in the database?

A Counter needs memory for each distinct tag, and nothing for each post, if the posts are let go.
Whether they are depends on how they are read; whether the counts are right does too. The database
can count without sending a single post.
"""

from collections import Counter
from heapq import nsmallest

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.routes import Batch, Posts, Rows, endpoint, options_for
from lab.units import doubling

TOP = 20

TagCount = tuple[str, int]


def count_objects(db: Session) -> list[TagCount]:
    """Load every post, then count the tags."""
    counter: Counter[str] = Counter()
    for post in db.scalars(select(Post).where(Post.published)).all():
        counter.update(post.tags)
    return top(counter)


def unordered_pages(db: Session, batch: int = 500) -> list[TagCount]:
    """Count page after page by OFFSET and LIMIT, without an order.

    This is the lesson's way. Without ORDER BY the pages are cut from rows in any order, and
    PostgreSQL starts a scan of a large table where the last scan stopped: some posts are counted
    twice and others never, on a table that nobody writes to.
    """
    counter: Counter[str] = Counter()
    query = select(Post).where(Post.published).limit(batch)
    offset = 0
    while page := db.scalars(query.offset(offset)).all():
        for post in page:
            counter.update(post.tags)
        offset += batch
    return top(counter)


def stream_objects(db: Session, batch: int = 1_000) -> list[TagCount]:
    """Stream the posts through a server-side cursor and count their tags."""
    counter: Counter[str] = Counter()
    query = select(Post).where(Post.published)
    for post in db.scalars(query, execution_options={"yield_per": batch}):
        counter.update(post.tags)
    return top(counter)


def stream_column(db: Session, batch: int = 1_000) -> list[TagCount]:
    """Stream only the column of tags, and count it."""
    counter: Counter[str] = Counter()
    query = select(Post.tags).where(Post.published)
    for tags in db.scalars(query, execution_options={"yield_per": batch}):
        counter.update(tags)
    return top(counter)


def group_by(db: Session) -> list[TagCount]:
    """Let the database count, and fetch twenty rows."""
    tag = func.unnest(Post.tags).label("tag")
    tags = select(tag).where(Post.published).subquery()
    count = func.count()
    # The server's collation may order letters in its own way; "C" orders them as Python does.
    order = (count.desc(), tags.c.tag.collate("C"))
    query = select(tags.c.tag, count).group_by(tags.c.tag).order_by(*order).limit(TOP)
    return [(name, number) for name, number in db.execute(query)]


def top(counter: Counter[str]) -> list[TagCount]:
    """Return the most frequent tags, those with equal counts by name."""
    return nsmallest(TOP, counter.items(), key=lambda pair: (-pair[1], pair[0]))


def digest_counts(counts: list[TagCount], db: Session) -> Outcome:
    """The answer is the list of tags with their counts."""
    digest = Digest()
    digest.add(counts)
    return Outcome(digest.hex(), {"tags": len(counts), **db.info["counts"]})


PATTERN = Pattern(
    name="tag_counts",
    world=posts,
    prepare=posts_ready,
    outcome=digest_counts,
    axes={
        "rows": doubling(8_000, 128_000),
        "keys": doubling(500, 8_000),
        "batch": doubling(125, 2_000),
    },
    fixed={"rows": 16_000, "keys": 200},
    variants=(
        Variant(count_objects, role="naive", peak=O("rows", "keys")),
        Variant(
            unordered_pages,
            role="trap",
            peak=O("batch", "keys"),
            springs="answer",
            why="Once the planner scans the table block by block, pages overlap and leave gaps.",
        ),
        Variant(stream_objects, role="streaming", peak=O("batch", "keys")),
        Variant(stream_column, role="streaming", peak=O("batch", "keys")),
        Variant(group_by, role="tuned", peak=O(1)),
    ),
)


router = APIRouter()


@endpoint(router, PATTERN, "/stats/tag-counts", "application/json")
def tag_statistics(
    variant: Variant, store: Posts, rows: Rows, batch: Batch = 1_000
) -> dict[str, list[list[str | int]]]:
    """Answer with the most frequent tags of published posts and their counts."""
    with store.posts(rows) as db:
        counts = variant.run(db, **options_for(variant, batch=batch))
        return {"top_tags": [list(pair) for pair in counts]}
