"""How do I count the tags of every post: with objects, with one column, or in the database?

A Counter needs memory for each distinct tag, and none for each post if the posts are freed. How
they are read decides that, and whether the counts are right. Arrow counts a batch without an object
for each tag; the database can count without sending a single post.
"""

from collections import Counter
from heapq import nsmallest

from fastapi import APIRouter
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.arrow import address, share_views
from lab.data.inputs import posts, posts_ready
from lab.data.models import Post
from lab.endpoints.routes import Batch, Posts, Rows, endpoint, options_for
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.outcomes import digest_counts
from lab.streams import CHUNK
from lab.units import doubling

TOP = 20
TagCount = tuple[str, int]


def count_objects(db: Session) -> list[TagCount]:
    """Load every post, then count their tags."""
    counter: Counter[str] = Counter()
    for post in db.scalars(select(Post).where(Post.published)).all():
        counter.update(post.tags)
    return top(counter)


def unordered_pages(db: Session, batch: int = 500) -> list[TagCount]:
    """Count page after page by OFFSET and LIMIT, without an order.

    This is the lesson's version. Without ORDER BY the rows of a page may come in any order, and
    PostgreSQL starts a scan of a large table where the last scan stopped: some posts are counted
    twice and others never, even if nobody writes to the table.
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
    """Stream only the column of tags, and count them."""
    counter: Counter[str] = Counter()
    query = select(Post.tags).where(Post.published)
    for tags in db.scalars(query, execution_options={"yield_per": batch}):
        counter.update(tags)
    return top(counter)


def arrow_batches(db: Session) -> list[TagCount]:
    """Count the tags in Arrow batches, which ADBC fetches as columns, and free each batch.

    A batch is counted before its tags become Python objects, so use it for counts that SQL cannot
    express. ADBC opens a connection outside of the pool; its batches have 16 MiB by default.
    """
    import adbc_driver_postgresql.dbapi as adbc
    from adbc_driver_postgresql import StatementOptions

    counter: Counter[str] = Counter()
    hint = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(CHUNK)}
    with (
        adbc.connect(address(db)) as connection,
        connection.cursor(adbc_stmt_kwargs=hint) as cursor,
    ):
        share_views(db, cursor)  # for the lab only, which limits its table by a temporary view
        cursor.execute("SELECT tags FROM posts WHERE published")
        for batch in cursor.fetch_record_batch():
            tags, counts = batch.column("tags").flatten().value_counts().flatten()
            counter.update(dict(zip(tags.to_pylist(), counts.to_pylist(), strict=True)))
    return top(counter)


def group_by(db: Session) -> list[TagCount]:
    """Count in the database, and fetch twenty rows."""
    return [(tag, count) for tag, count in db.execute(most_frequent())]


def most_frequent() -> Select[str, int]:
    """Select the `TOP` most frequent tags with their counts; equal counts are sorted by name."""
    tag = func.unnest(Post.tags).label("tag")
    tags = select(tag).where(Post.published).subquery()
    # "C" sorts text as Python does; the server's default collation may differ.
    order = (func.count().desc(), tags.c.tag.collate("C"))
    return select(tags.c.tag, func.count()).group_by(tags.c.tag).order_by(*order).limit(TOP)


def top(counter: Counter[str]) -> list[TagCount]:
    """Return the `TOP` most frequent tags with their counts; equal counts are sorted by name."""
    return nsmallest(TOP, counter.items(), key=lambda pair: (-pair[1], pair[0]))


PATTERN = Pattern(
    name="tag_counts",
    open_inputs=posts,
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
        Variant(count_objects, role="naive", peak=O("rows", "keys"), per_client="18 MB"),
        Variant(
            unordered_pages,
            role="trap",
            peak=O("batch", "keys"),
            fails_by="answer",
            because="Without ORDER BY, pages of a scanned table overlap or leave gaps.",
        ),
        Variant(stream_objects, role="streaming", peak=O("batch", "keys")),
        Variant(stream_column, role="streaming", peak=O("batch", "keys"), per_client="1.2 MB"),
        Variant(
            arrow_batches,
            role="tuned",
            peak=O("keys"),
            extra="arrow",
            needs=("adbc_driver_postgresql.dbapi", "pyarrow"),
        ),
        Variant(group_by, role="tuned", peak=O(1), per_client="150 kB"),
    ),
)


router = APIRouter()


@endpoint(router, PATTERN, "/stats/tag-counts", "application/json")
def tag_statistics(
    variant: Variant, store: Posts, rows: Rows, batch: Batch = 1_000
) -> dict[str, list[list[str | int]]]:
    """Return the most frequent tags of published posts, with their counts."""
    with store.posts(rows) as db:
        counts = variant.run(db, **options_for(variant, batch=batch))
        return {"top_tags": [list(pair) for pair in counts]}
