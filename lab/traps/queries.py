"""Traps about queries: what iterating loads, and what touching a relationship sends."""

from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from lab.data.inputs import posts
from lab.data.models import Post
from lab.patterns.csv_export import joined_chunks, row_by_row
from lab.patterns.rows import PATTERN
from lab.traps.private_posts import is_level, peaks, show_peaks, statements_for
from lab.traps.trap import Demonstration


def iterating_loads_everything() -> Demonstration:
    """Iterating over a query loads all rows before it returns the first, as `.all()` does.

    The driver's default cursor fetches the whole result, and the ORM makes all objects from it.
    `yield_per` opens a server-side cursor and makes one batch of objects at a time.
    """
    rows = (4_000, 12_000)
    iterated, loaded, streamed = peaks(PATTERN, ("iterate_query", "load_all", "yield_per"), rows)
    return Demonstration(
        wrong=show_peaks(iterated, rows),
        right=show_peaks(streamed, rows),
        holds=iterated[1] > 0.9 * loaded[1]
        and iterated[1] > 2 * iterated[0]
        and is_level(streamed),
    )


def lazy_authors_ask_again() -> Demonstration:
    """Touching an author while rows are streamed sends one SELECT for nearly every row.

    With `yield_per` the session forgets the authors together with their batch. Load them with
    each batch (`selectinload`), in the same statement (`joinedload`), or select only the columns,
    with a join.
    """
    exports = (
        row_by_row,
        lambda db: _with_authors(db, selectinload(Post.author)),
        lambda db: _with_authors(db, joinedload(Post.author)),
        joined_chunks,
    )
    lazy, select_in, joined, columns = (_statements(export) for export in exports)
    return Demonstration(
        wrong=f"{lazy:,} statements for 2,000 rows",
        right=f"selectinload {select_in}, joinedload {joined}, joined columns {columns}",
        holds=lazy > 1_000 and select_in <= 10 and joined == columns == 1,
    )


def _statements(export: Callable[[Session], Iterable[object]]) -> int:
    with posts(rows=2_000) as db:
        return statements_for(db, export(db))


def _with_authors(db: Session, load: ORMOption) -> Iterator[str]:
    query = select(Post).options(load).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        yield post.author.name if post.author else ""
