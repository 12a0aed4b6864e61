"""Orders, in the SQLite file that SHOP_DATABASE names."""

import os
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """What the shop keeps."""


class Customer(Base):
    """Somebody who orders."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Order(Base):
    """An order, with what it costs in cents."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    reference: Mapped[str]
    cents: Mapped[int]


def shop_engine() -> Engine:
    """Open the shop's file; a fixed page cache keeps SQLite's own memory out of the curves."""
    engine = create_engine(f"sqlite:///{os.environ['SHOP_DATABASE']}")

    @event.listens_for(engine, "connect")
    def _(connection: Connection, record: object) -> None:
        connection.execute("PRAGMA cache_size = 50")

    return engine


ENGINE = shop_engine()


def session() -> Iterator[Session]:
    """Lend a session to a request."""
    with Session(ENGINE) as opened:
        yield opened
