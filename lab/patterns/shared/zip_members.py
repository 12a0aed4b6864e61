"""The files for a ZIP: parts of one large file, or posts as CSV; read one after the other."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lab.data.files import download_file
from lab.patterns.shared.post_columns import HEADER, joined_columns
from lab.streams import CHUNK
from lab.toolbox.csv_writer import csv_writer

Blocks = Generator[bytes, None, None]
Members = Iterable[tuple[str, Blocks]]
"""Names, each with its content in blocks, which must be read before the next name is taken."""

MEMBERS = 8
ROWS_PER_MEMBER = 10_000


@contextmanager
def file_in_parts(bytes: int) -> Iterator[Members]:  # noqa: A002 - the axis has this name
    """Yield a file of `bytes` bytes, cut into `MEMBERS` parts."""
    path = download_file(bytes)
    ends = [bytes * number // MEMBERS for number in range(MEMBERS + 1)]
    yield (
        (f"part-{number}.bin", _part(path, ends[number - 1], ends[number]))
        for number in range(1, MEMBERS + 1)
    )


def _part(path: Path, start: int, end: int) -> Blocks:
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(min(CHUNK, end - file.tell())):
            yield block


def csv_members(db: Session) -> Iterator[tuple[str, Blocks]]:
    """Yield the posts as CSV files of `ROWS_PER_MEMBER` rows, from one stream of rows.

    Without posts there is one file with only a header: some programs refuse an empty archive.
    """
    rows = iter(db.execute(joined_columns(), execution_options={"yield_per": 1_000}))
    for number in count(1):
        first = list(islice(rows, 1))
        if not first and number > 1:
            return
        rest = islice(rows, ROWS_PER_MEMBER - 1)
        yield f"posts-{number:04d}.csv", _csv_blocks(chain(first, rest))


def _csv_blocks(rows: Iterable[Any]) -> Blocks:
    """Write rows as CSV, in blocks of about 64 KiB."""
    buffer = StringIO()
    writer = csv_writer(buffer)
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() >= CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
