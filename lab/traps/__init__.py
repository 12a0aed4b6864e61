"""Common claims about memory and streaming that are wrong when measured on real parts."""

from collections.abc import Callable, Sequence

from lab.errors import LabError, nearest
from lab.traps import (
    context_managers,
    cursors,
    expiring_and_expunging,
    files,
    hang_ups_and_slow_clients,
    identity_map,
    killed_import,
    offset_pages,
    queries,
    streamed_responses,
    uploads,
)
from lab.traps.trap import Demonstration, Trap

TRAPS: tuple[Trap, ...] = (
    Trap(queries.iterating_loads_everything, "Iterating over a query streams it"),
    Trap(
        identity_map.expire_all_is_not_needed,
        "Without expire_all() memory grows with every batch",
    ),
    Trap(identity_map.kept_objects_stay, "yield_per keeps memory flat"),
    Trap(identity_map.edited_objects_stay, "Assigning to a streamed object costs nothing"),
    Trap(
        identity_map.cycles_wait_for_the_collector,
        "The identity map is weak, so every batch is freed at once",
    ),
    Trap(expiring_and_expunging.expiring_in_mid_batch_asks_again, "expire_all() is free"),
    Trap(expiring_and_expunging.expiring_discards_edits, "expire_all() only releases memory"),
    Trap(
        expiring_and_expunging.expunging_all_breaks_the_stream,
        "expunge_all() can replace expire_all()",
    ),
    Trap(queries.lazy_authors_ask_again, "A CSV generator may read post.author.name"),
    Trap(offset_pages.offset_pages_under_writes, "OFFSET pages return every row once"),
    Trap(offset_pages.offset_pages_read_again, "Every page costs the same"),
    Trap(
        offset_pages.unordered_pages_lose_rows,
        "A table that nobody writes to has a stable order",
    ),
    Trap(
        context_managers.yielding_each_row_breaks_the_block,
        "@contextmanager can yield rows lazily",
    ),
    Trap(context_managers.one_row_hides_the_mistake, "A test on a small table is enough"),
    Trap(cursors.commit_ends_the_stream, "A stream survives a commit"),
    Trap(cursors.stream_holds_a_transaction, "A stream holds nothing but one batch"),
    Trap(cursors.text_gives_one_partition, "partitions() takes its size from yield_per"),
    Trap(
        hang_ups_and_slow_clients.hang_ups_end_the_export,
        "Rows can be streamed from the session of a dependency",
    ),
    Trap(
        hang_ups_and_slow_clients.abandoned_generators_keep_connections,
        "A generator's `finally` releases its connection",
    ),
    Trap(
        hang_ups_and_slow_clients.never_awaiting_freezes_the_server,
        "An async generator streams without blocking",
    ),
    Trap(
        streamed_responses.a_yield_per_row_is_a_trip_per_row,
        "Yielding one row at a time is cheap",
    ),
    Trap(
        streamed_responses.closed_sessions_open_again,
        "A session from `Depends` lives as long as the stream",
    ),
    Trap(
        hang_ups_and_slow_clients.everybody_gets_200_and_most_die,
        "A streamed export serves any number of clients",
    ),
    Trap(
        streamed_responses.middleware_hides_the_broken_end,
        "A client can tell that a stream has failed",
    ),
    Trap(
        streamed_responses.the_status_comes_before_the_rows,
        "A stream that fails at once gives an error status",
    ),
    Trap(streamed_responses.authorised_too_late, "Permissions can be checked inside the generator"),
    Trap(
        hang_ups_and_slow_clients.slow_readers_do_not_fill_memory,
        "A slow client makes the server buffer everything",
    ),
    Trap(uploads.limits_come_too_late, "The upload loop stops at the limit"),
    Trap(uploads.joined_chunks_are_held_whole, "Reading an upload in chunks is the correct way"),
    Trap(
        uploads.small_files_cost_several_times_their_size, "Reading a CSV of 1 MB costs about 1 MB"
    ),
    Trap(
        uploads.lines_without_end_are_held_whole,
        "Reading line by line keeps only a short line in memory",
    ),
    Trap(uploads.chunks_cut_characters_in_two, "Chunks can be decoded one by one"),
    Trap(uploads.marks_stay_in_the_header, "`utf-8` decodes every UTF-8 file correctly"),
    Trap(killed_import.killed_imports_leave_rows, "An import can commit each row by itself"),
    Trap(files.file_names_are_no_paths, "{filename} excludes slashes, so it is a safe path"),
    Trap(files.open_files_yield_lines, "An open file streams in chunks of a useful size"),
)
"""In the order of the lesson: reading, the session's memory, pages, cursors, responses, uploads."""


def trap(name: str) -> Trap:
    """Return a trap by name.

    Raises:
        LabError: No trap has that name.
    """
    for known in TRAPS:
        if known.name == name:
            return known
    raise LabError(f"unknown trap {name!r}: {nearest(name, [t.name for t in TRAPS])}")


def demonstrate_all(
    traps: Sequence[Trap], on_demonstrated: Callable[[], None] = lambda: None
) -> list[tuple[Trap, Demonstration]]:
    """Demonstrate each trap in turn; call ``on_demonstrated`` after each."""
    demonstrations = []
    for each in traps:
        demonstrations.append((each, each.demonstrate()))
        on_demonstrated()
    return demonstrations
