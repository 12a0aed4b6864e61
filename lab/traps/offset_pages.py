"""Traps about pages by OFFSET and LIMIT: rows lost, returned twice, or read again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from lab.data.inputs import posts
from lab.data.models import Post
from lab.patterns.rows import keyset_pages, offset_pages
from lab.patterns.tag_counts import stream_column, unordered_pages
from lab.traps.private_posts import own_posts
from lab.traps.trap import Demonstration

_ROWS, _PAGE, _WRITTEN = 2_000, 100, 10

_DELETE = "delete from posts where id in (select id from posts order by id limit :n)"
_INSERT = """
    insert into posts (id, title, body, view_count, published, tags, created_at)
    select first - n, 'New', '', 0, true, '{}', now()
    from generate_series(1, :n) n, (select min(id) as first from posts) lowest
"""

Pages = Callable[..., Iterator[Post]]


def offset_pages_under_writes() -> Demonstration:
    """OFFSET pages miss rows during concurrent deletes, and repeat rows during inserts.

    A row deleted from the pages already read, or inserted there (as in every list with the newest
    row first), shifts each later page by one. A keyset page starts after the last row that was
    read, whatever changed before it.
    """
    (missed, twice), right = (
        (_missed(pages), _repeated(pages)) for pages in (offset_pages, keyset_pages)
    )
    return Demonstration(
        wrong=f"{missed:,} of {_ROWS:,} rows missed, {twice:,} twice",
        right=f"{right[0]:,} missed and {right[1]:,} twice with keyset pages",
        holds=min(missed, twice) >= _WRITTEN and right == (0, 0),
    )


def _missed(pages: Pages) -> int:
    exported, remaining = _exported(pages, _DELETE)
    return len(remaining.difference(exported))


def _repeated(pages: Pages) -> int:
    exported, _ = _exported(pages, _INSERT)
    return len(exported) - len(set(exported))


def _exported(pages: Pages, write: str) -> tuple[list[int], set[int]]:
    """Write to a table after each exported page; return exported ids and ids in the table."""
    exported: list[int] = []
    with own_posts(_ROWS) as db:
        for post in pages(db, batch=_PAGE):
            exported.append(post.id)
            if len(exported) % _PAGE == 0:
                db.execute(text(write), {"n": _WRITTEN})
        return exported, set(db.scalars(text("select id from posts")))


def offset_pages_read_again() -> Demonstration:
    """OFFSET pages make the server read all earlier rows again for each page.

    The server must read rows to skip them, so the rows read, and the time, grow with the square
    of the table. For a keyset page an index finds the first row directly.
    """
    again, once = (_rows_read(pages, 10_000, 500) for pages in (offset_pages, keyset_pages))
    return Demonstration(
        wrong=f"{again:,} rows read for 10,000",
        right=f"{once:,} with keyset pages",
        holds=again > 5 * once and once <= 11_000,
    )


def _rows_read(pages: Pages, rows: int, page: int) -> int:
    """Export all pages, then run EXPLAIN ANALYZE on each statement; return the rows scanned."""
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
    """Return the rows that the leaves of a plan, its scans, have read."""
    if children := plan.get("Plans"):
        return sum(map(_scanned, children))
    return round(float(plan["Actual Rows"]) * int(plan["Actual Loops"]))


def unordered_pages_lose_rows() -> Demonstration:
    """Pages without ORDER BY count some rows twice and others never, even if nobody writes.

    PostgreSQL starts the scan of a table larger than a quarter of its buffers where the last scan
    stopped, so each page is cut from rows in another order. Give pages a unique order. A stream
    reads each row once in any order.
    """
    with own_posts(rows=64_000) as db:
        wrong, counted = _top_and_counted(db)
        right = stream_column(db)
        published = int(db.scalar(text("select count(*) from posts where published")) or 0)
    return Demonstration(
        wrong=f"{_leader(wrong)} leads; {published - counted:,} of {published:,} never counted",
        right=f"{_leader(right)} leads; all counted",
        holds=wrong != right and counted < published,
    )


def _top_and_counted(db: Session) -> tuple[Sequence[tuple[str, int]], int]:
    """Count tags in pages; return the top tags and the number of distinct posts counted."""
    ids: set[int] = set()
    event.listen(db, "loaded_as_persistent", lambda _, post: ids.add(post.id))
    return unordered_pages(db), len(ids)


def _leader(top: Sequence[tuple[str, int]]) -> str:
    name, count = top[0]
    return f"{name} ({count:,})"
