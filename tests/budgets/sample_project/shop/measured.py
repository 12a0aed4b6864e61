"""What the memory budget measures beside the endpoint."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from shop.database import ENGINE
from shop.exports import chunks, csv_lines


@contextmanager
def open_session(rows: int) -> Iterator[tuple[Session, int]]:
    """Have a session open, and say how many rows to export with it."""
    with Session(ENGINE) as session:
        yield session, rows


def export(given: tuple[Session, int]) -> Iterator[bytes]:
    """Export orders without a server."""
    session, rows = given
    return chunks(csv_lines(session, rows))
