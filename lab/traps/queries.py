"""What is said about queries and sessions, and what springs when it is done."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from lab.data.models import Post
from lab.data.worlds import posts
from lab.patterns.csv_export import joined_chunks, row_by_row
from lab.patterns.rows import PATTERN
from lab.traps import blocks, cursors, forgetting, identity, pages
from lab.traps.database import is_level, peaks, show_peaks, statements_for
from lab.traps.trap import Sprung, Trap


def iterating_loads_everything() -> Sprung:
    """Iterating over a query loads every row before the first, as `.all()` does.

    The driver's usual cursor takes in the whole result, and the ORM makes all objects of it.
    `yield_per` opens a cursor on the server and makes a batch of objects at a time.
    """
    rows = (4_000, 12_000)
    iterated, loaded, streamed = peaks(PATTERN, ("iterate_query", "load_all", "yield_per"), rows)
    return Sprung(
        wrong=show_peaks(iterated, rows),
        right=show_peaks(streamed, rows),
        holds=iterated[1] > 0.9 * loaded[1]
        and iterated[1] > 2 * iterated[0]
        and is_level(streamed),
    )


def lazy_authors_ask_again() -> Sprung:
    """An author that is touched while rows are streamed sends a SELECT for nearly every row.

    With `yield_per` the authors are forgotten together with the batch that needed them. Load them
    along with each batch (`selectinload`), in the same statement (`joinedload`), or select only
    the columns, with a join.
    """
    run = (
        row_by_row,
        lambda db: _with_authors(db, selectinload(Post.author)),
        lambda db: _with_authors(db, joinedload(Post.author)),
        joined_chunks,
    )
    lazy, select_in, joined, columns = (_statements(each) for each in run)
    return Sprung(
        wrong=f"{lazy:,} statements for 2,000 rows",
        right=f"selectinload {select_in}, joinedload {joined}, joined columns {columns}",
        holds=lazy > 1_000 and select_in <= 10 and joined == columns == 1,
    )


def _statements(run: Any) -> int:
    with posts(rows=2_000) as db:
        return statements_for(db, run(db))


def _with_authors(db: Session, load: ORMOption) -> Iterator[str]:
    query = select(Post).options(load).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        yield post.author.name if post.author else ""


QUERY_TRAPS: tuple[Trap, ...] = (
    Trap(iterating_loads_everything, "Iterating over a query streams it"),
    Trap(
        identity.expire_all_is_not_needed,
        "Without expire_all() memory grows with every batch",
    ),
    Trap(identity.kept_objects_stay, "yield_per keeps memory flat"),
    Trap(identity.edited_objects_stay, "Assigning to a streamed object costs nothing"),
    Trap(identity.cycles_wait_for_the_collector, "The identity map is weak, so batches just go"),
    Trap(forgetting.expiring_in_mid_batch_asks_again, "expire_all() is free"),
    Trap(forgetting.expiring_discards_edits, "expire_all() only releases memory"),
    Trap(forgetting.expunging_all_breaks_the_stream, "expunge_all() is an alternative"),
    Trap(lazy_authors_ask_again, "A CSV generator may touch post.author.name"),
    Trap(pages.offset_pages_under_writes, "Offset pages are a solution"),
    Trap(pages.offset_pages_read_again, "Every page costs the same"),
    Trap(pages.unordered_pages_lose_rows, "A quiet table has an order"),
    Trap(blocks.yielding_each_row_breaks_the_block, "@contextmanager can yield rows lazily"),
    Trap(blocks.one_row_hides_the_mistake, "It worked on a small table"),
    Trap(cursors.commit_ends_the_stream, "A stream survives a commit"),
    Trap(cursors.stream_holds_a_transaction, "A stream holds nothing but a batch"),
    Trap(cursors.text_gives_one_partition, "partitions() knows the size from yield_per"),
)
"""In the order of the lesson: reading, the session's memory, pages, cursors."""
