"""The tables of a small blog: authors, their posts, and users to import."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Identity, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The tables of the lab, all in one schema."""


class Author(Base):
    """An author of posts."""

    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)


class Post(Base):
    """A post: a title of about 40 characters, a body of 500, three tags; 2 % have no author."""

    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    view_count: Mapped[int]
    published: Mapped[bool]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    author: Mapped[Author | None] = relationship()


class User(Base):
    """A user, imported from a CSV."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    age: Mapped[int]
    can_export: Mapped[bool]
