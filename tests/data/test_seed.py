"""The data is built once from a seed, in one schema; no other schema is dropped."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from lab.data import seed
from lab.data.database import database, schema
from lab.data.inputs import posts
from lab.data.models import Author, Post
from lab.data.seed import Built, build, built, drop
from lab.errors import LabError

KNOWN = json.loads(Path(__file__).parents[2].joinpath("fixtures/digests.json").read_text())["posts"]
DIGEST = text("select md5(string_agg(posts::text, '|' order by id)) from posts where id <= :n")


@pytest.fixture
def engine(own_schema):
    return own_schema


def digest(engine, rows: int) -> str:
    with engine.connect() as connection:
        return connection.execute(DIGEST, {"n": rows}).scalar_one()


def test_the_same_seed_makes_the_same_rows_and_another_seed_others(engine):
    build(engine, 500)
    first = digest(engine, 500)
    drop(engine)
    build(engine, 500)
    assert digest(engine, 500) == first
    build(engine, 500, seed=2)
    assert digest(engine, 500) != first


def test_the_first_rows_are_these_on_every_machine(engine):
    build(engine, 100)
    assert digest(engine, 100) == KNOWN["100"]


def test_a_smaller_table_is_a_prefix_of_a_larger_one_and_is_only_added_to(engine):
    build(engine, 300)
    before = digest(engine, 300)
    assert build(engine, 700).rows == 700
    assert digest(engine, 300) == before
    assert build(engine, 100).rows == 700


def test_progress_is_told_up_to_the_last_row(engine):
    told: list[int] = []
    build(engine, 120_000, progress=told.append)
    assert told == [50_000, 100_000, 120_000]


def test_posts_look_like_posts(engine):
    build(engine, 5_000)
    with Session(engine) as db:
        rows = db.query(Post).all()
        authors = {author.id: author.name for author in db.query(Author)}
    assert 36 <= sum(len(post.title) for post in rows) / len(rows) <= 44
    assert 480 <= sum(len(post.body) for post in rows) / len(rows) <= 560
    assert all(len(post.tags) == 3 for post in rows)
    assert all(post.created_at.utcoffset() is not None for post in rows)
    assert 0.01 < sum(post.author_id is None for post in rows) / len(rows) < 0.04
    assert 0.85 < sum(post.published for post in rows) / len(rows) < 0.95
    assert any('"' in post.title and "," in post.title for post in rows)
    assert any(not name.isascii() for name in authors.values())


def test_the_number_of_tags_can_be_chosen(engine):
    build(engine, 2_000, keys=7)
    with Session(engine) as db:
        assert len({tag for post in db.query(Post) for tag in post.tags}) == 7
    with posts(rows=1_000, keys=31) as db:
        rows = db.query(Post).all()
        assert len(rows) == 1_000
        assert len({tag for post in rows for tag in post.tags}) == 31


def test_a_schema_that_somebody_else_made_is_not_touched(engine):
    with engine.begin() as connection:
        connection.execute(text(f"create schema {schema()}"))
        connection.execute(text(f"create table {schema()}.theirs (id int)"))
    for touch in (build, drop):
        with pytest.raises(LabError, match="did not create"):
            touch(engine)
    with engine.begin() as connection:
        assert connection.execute(text("select count(*) from theirs")).scalar() == 0
        connection.execute(text(f"drop schema {schema()} cascade"))


def test_drop_removes_the_labs_schema_and_nothing_else(engine):
    build(engine, 10)
    with engine.begin() as connection:
        connection.execute(text("create table public.theirs as select 1 as one"))
    assert drop(engine) == Built(10)
    with engine.begin() as connection:
        assert built(connection) is None
        assert connection.execute(text("select one from public.theirs")).scalar() == 1
        connection.execute(text("drop table public.theirs"))
    assert drop(engine) is None


def test_a_build_that_is_broken_off_leaves_nothing(engine):
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(engine, 10, progress=stop)
    with engine.connect() as connection:
        assert built(connection) is None


def test_a_read_only_database_is_named(own_home):
    with database() as engine:
        with engine.begin() as connection:
            connection.execute(text("alter role postgres set default_transaction_read_only = on"))
        with pytest.raises(LabError, match="it is read-only"):
            build(engine, 10)


def test_tables_that_others_hold_are_waited_for_and_then_named(engine, monkeypatch):
    build(engine, 10)
    monkeypatch.setattr(seed, "PATIENCE", "100ms")
    with engine.connect() as reader:
        reader.execute(text("select count(*) from posts"))
        with pytest.raises(LabError, match="another process is using the lab's tables"):
            drop(engine)
    assert drop(engine) == Built(10)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("sqlite:///x.db", "names sqlite, but the lessons need PostgreSQL"),
        ("not a url", "is not a database address"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained(url, says, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(LabError, match=says):
        database().__enter__()


def test_passwords_are_not_printed(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/none")
    with pytest.raises(LabError) as caught:
        database().__enter__()
    assert "secret" not in str(caught.value)


def test_a_schema_name_that_needs_quoting_is_refused(monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_SCHEMA", 'x"; drop schema public')
    with pytest.raises(LabError, match="not a plain lower-case name"):
        schema()
