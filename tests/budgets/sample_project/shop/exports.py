"""The export of orders as CSV, a chunk at a time."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.database import Customer, Order

BATCH = 500
CHUNK = 32_768


def price(cents: int) -> str:
    """Write an amount of money."""
    return f"{cents // 100}.{cents % 100:02d}"


def csv_lines(session: Session, rows: int) -> Iterator[str]:
    """Yield the orders, a line each."""
    query = (
        select(Order.id, Order.reference, Customer.name, Order.cents)
        .join(Customer)
        .order_by(Order.id)
        .limit(rows)
    )
    yield "order,reference,customer,price\n"
    for number, reference, name, cents in session.execute(query).yield_per(BATCH):
        yield f"{number},{reference},{name},{price(cents)}\n"


def chunks(lines: Iterator[str]) -> Iterator[bytes]:
    """Join lines into chunks that are worth a write."""
    buffer = bytearray()
    for line in lines:
        buffer += line.encode()
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)
