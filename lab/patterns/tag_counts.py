"""How do I count the tags of every post: with objects, with one column, or in the database?

A Counter needs memory for each distinct tag, and nothing for each post, if the posts are let go.
Whether they are depends on how they are read; whether the counts are right does too. Arrow has a
batch counted without an object for each tag. The database can count without sending a single post.
"""

from collections import Counter
from heapq import nsmallest

from fastapi import APIRouter
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from lab.data.arrow import address, share_views
from lab.data.models import Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import CROWDS, O, Outcome, Pattern, Request, Variant
from lab.routes import Batch, Posts, Rows, endpoint, options_for
from lab.streams import CHUNK
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


def arrow_batches(db: Session) -> list[TagCount]:
    """Count the tags in Arrow batches, which ADBC fetches as columns, and let each batch go.

    No tag becomes a Python object before its batch is counted, so this is for counting what SQL
    cannot. ADBC opens a connection of its own, beside the session's and outside of its pool, and
    its batches are of 16 MiB unless it is told otherwise.
    """
    import adbc_driver_postgresql.dbapi as adbc
    from adbc_driver_postgresql import StatementOptions

    counter: Counter[str] = Counter()
    hint = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(CHUNK)}
    with (
        adbc.connect(address(db)) as connection,
        connection.cursor(adbc_stmt_kwargs=hint) as cursor,
    ):
        share_views(db, cursor)  # the lab's own: it cuts its table short by a temporary view
        cursor.execute("SELECT tags FROM posts WHERE published")
        for batch in cursor.fetch_record_batch():
            tags, counts = batch.column("tags").flatten().value_counts().flatten()
            counter.update(dict(zip(tags.to_pylist(), counts.to_pylist(), strict=True)))
    return top(counter)


def group_by(db: Session) -> list[TagCount]:
    """Let the database count, and fetch twenty rows."""
    return [(name, number) for name, number in db.execute(most_frequent())]


def most_frequent() -> Select[str, int]:
    """Select the most frequent tags with their counts, those with equal counts by name."""
    tag = func.unnest(Post.tags).label("tag")
    tags = select(tag).where(Post.published).subquery()
    count = func.count()
    # The server's collation may order letters in its own way; "C" orders them as Python does.
    order = (count.desc(), tags.c.tag.collate("C"))
    return select(tags.c.tag, count).group_by(tags.c.tag).order_by(*order).limit(TOP)


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
        "keys": doubling(1_000, 16_000),
        "batch": doubling(125, 2_000),
        "clients": CROWDS,
    },
    fixed={"rows": 16_000, "keys": 200},
    request=Request("GET /stats/tag-counts?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        Variant(count_objects, role="naive", peak=O("rows", "keys", per_client="18 MB")),
        Variant(
            unordered_pages,
            role="trap",
            peak=O("batch", "keys"),
            springs="answer",
            why="Once the planner scans the table block by block, pages overlap and leave gaps.",
        ),
        Variant(stream_objects, role="streaming", peak=O("batch", "keys")),
        Variant(stream_column, role="streaming", peak=O("batch", "keys", per_client="1.2 MB")),
        Variant(
            arrow_batches,
            role="tuned",
            peak=O("keys"),
            extra="arrow",
            needs=("adbc_driver_postgresql.dbapi", "pyarrow"),
        ),
        Variant(group_by, role="tuned", peak=O(1, per_client="150 kB")),
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
