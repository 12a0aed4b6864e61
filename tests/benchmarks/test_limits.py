"""The limits of the benchmarks do the whole job, and fail if a tool reports an error."""

from uuid import uuid4

import pytest
from sqlalchemy import select, text

from benchmarks.files import sent_by_the_kernel
from benchmarks.limit import at_once
from benchmarks.psql import Psql, copied_in, copied_out, first_posts, sql
from lab.data.database import database
from lab.data.files import download_file, users_csv
from lab.data.inputs import posts
from lab.data.models import Post
from lab.data.seed import build, drop
from lab.patterns.csv_export import copy_chunks
from lab.patterns.shared.post_columns import joined_columns
from lab.patterns.tag_counts import most_frequent


def test_psql_says_what_the_server_refuses(whole_table):
    with (
        database() as engine,
        Psql(engine) as psql,
        pytest.raises(RuntimeError, match="no_such_table"),
    ):
        psql.run("select * from no_such_table;")


def test_a_limit_writes_what_the_variant_sends(whole_table, tmp_path):
    """A limit that copied less would make every variant look slow."""
    target = tmp_path / "posts.csv"
    query, options = first_posts(joined_columns()), "format csv, header"
    with copied_out(query, options, str(target))(500) as limit, posts(500) as db:
        limit.seconds()
        assert target.read_bytes() == b"".join(copy_chunks(db))


def test_a_limit_of_imports_loads_every_row(whole_table, monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
    file = users_csv(50_000, clean=True)
    with database() as engine:
        build(engine, 1)
        with copied_in(lambda _: file, temporary=False)(50_000) as limit:
            limit.seconds()
            limit.seconds()
        with engine.connect() as connection:
            count = connection.execute(text("select count(*) from users")).scalar_one()
        drop(engine)
    assert count == len(file.read_text().splitlines()) - 1


def test_sql_sees_the_first_rows_alone(whole_table, monkeypatch):
    run, commands = Psql.run, []

    def noted(self, command):
        commands.append(command)
        run(self, command)

    monkeypatch.setattr(Psql, "run", noted)
    with sql(most_frequent())(700) as limit:
        limit.seconds()
    assert "where id <= 700" in commands[1]
    assert commands[2].startswith("SELECT")


def test_a_refused_limit_ends_the_benchmark(whole_table):
    wrong = copied_out(first_posts(select(Post.id)), "format nonsense")
    with wrong(10) as limit, pytest.raises(RuntimeError, match="nonsense"):
        limit.seconds()


def test_a_file_is_sent_by_the_kernel_to_many_at_once():
    download_file(1_000_000)
    with at_once(sent_by_the_kernel, 3)(1_000_000) as limit:
        assert limit.name == "sendfile"
        limit.seconds()  # a client raises if it does not get the whole file
