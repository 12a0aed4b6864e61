"""Traps about pages by OFFSET and LIMIT: rows lost, rows twice, and rows read again and again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts
from lab.patterns.rows import keyset_pages, offset_pages
from lab.patterns.tag_counts import stream_column, unordered_pages
from lab.traps.database import own_posts
from lab.traps.trap import Sprung

_ROWS, _PAGE, _WRITTEN = 2_000, 100, 10

_DELETE = "delete from posts where id in (select id from posts order by id limit :n)"
_INSERT = """
    insert into posts (id, title, body, view_count, published, tags, created_at)
    select first - n, 'New', '', 0, true, '{}', now()
    from generate_series(1, :n) n, (select min(id) as first from posts) there
"""

Pages = Callable[..., Iterator[Post]]


def offset_pages_under_writes() -> Sprung:
    """Pages by OFFSET miss rows when others are deleted meanwhile, and repeat rows at inserts.

    A row that goes from the pages already read, or comes in there, as in every list with the
    newest first, shifts each later page by one. A page by key begins after the last row that was
    read, whatever has happened before it.
    """
    (missed, twice), right = (
        (_missed(pages), _repeated(pages)) for pages in (offset_pages, keyset_pages)
    )
    return Sprung(
        wrong=f"{missed:,} of {_ROWS:,} rows missed, {twice:,} twice",
        right=f"{right[0]:,} missed and {right[1]:,} twice by key",
        holds=min(missed, twice) >= _WRITTEN and right == (0, 0),
    )


def _missed(pages: Pages) -> int:
    seen, left = _exported(pages, _DELETE)
    return len(left.difference(seen))


def _repeated(pages: Pages) -> int:
    seen, _ = _exported(pages, _INSERT)
    return len(seen) - len(set(seen))


def _exported(pages: Pages, write: str) -> tuple[list[int], set[int]]:
    """Export a table that is written to after each page; return the keys seen and those left."""
    seen: list[int] = []
    with own_posts(_ROWS) as db:
        for post in pages(db, batch=_PAGE):
            seen.append(post.id)
            if len(seen) % _PAGE == 0:
                db.execute(text(write), {"n": _WRITTEN})
        return seen, set(db.scalars(text("select id from posts")))


def offset_pages_read_again() -> Sprung:
    """Pages by OFFSET make the server read all earlier rows again for each page.

    To skip rows it has to find them, so the rows read, and the time, grow with the square of the
    table. An index finds the key after which a page begins at once.
    """
    again, once = (_rows_read(pages, 10_000, 500) for pages in (offset_pages, keyset_pages))
    return Sprung(
        wrong=f"{again:,} rows read for 10,000",
        right=f"{once:,} by key",
        holds=again > 5 * once and once <= 11_000,
    )


def _rows_read(pages: Pages, rows: int, page: int) -> int:
    """Export all pages, then have the server explain each statement that was sent for them."""
    sent: list[tuple[str, Any]] = []

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    with posts(rows) as db:
        connection = db.connection()
        event.listen(connection, "before_cursor_execute", remember)
        for _ in pages(db, batch=page):
            pass
        event.remove(connection, "before_cursor_execute", remember)
        explained = [
            connection.exec_driver_sql(f"explain (analyze, format json) {statement}", parameters)
            for statement, parameters in sent
        ]
        return sum(_scanned(result.scalar_one()[0]["Plan"]) for result in explained)


def _scanned(plan: dict[str, Any]) -> int:
    """Add up what the leaves of a plan, which are its scans, have read."""
    if below := plan.get("Plans"):
        return sum(map(_scanned, below))
    return round(float(plan["Actual Rows"]) * int(plan["Actual Loops"]))


def unordered_pages_lose_rows() -> Sprung:
    """Pages without ORDER BY count some rows twice and others never, though nobody writes.

    PostgreSQL begins the scan of a table larger than a quarter of its buffers where the last scan
    stopped, so the second page is cut from other rows than the first. Give pages an order that
    is unique; a stream reads each row once in any order.
    """
    with own_posts(rows=64_000) as db:
        wrong, counted = _top_and_counted(db)
        right = stream_column(db)
        published = int(db.scalar(text("select count(*) from posts where published")) or 0)
    return Sprung(
        wrong=f"{_leader(wrong)} leads; {published - counted:,} of {published:,} never counted",
        right=f"{_leader(right)} leads; all counted",
        holds=wrong != right and counted < published,
    )


def _top_and_counted(db: Session) -> tuple[Sequence[tuple[str, int]], int]:
    """Count tags in pages, and note which posts come along."""
    seen: set[int] = set()
    event.listen(db, "loaded_as_persistent", lambda _, post: seen.add(post.id))
    return unordered_pages(db), len(seen)


def _leader(top: Sequence[tuple[str, int]]) -> str:
    name, count = top[0]
    return f"{name} ({count:,})"
