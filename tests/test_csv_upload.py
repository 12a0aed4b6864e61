"""Imports: bad rows are told by their line, few are described, all are counted; all or nothing."""

import io
import json
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lab.data.database import database
from lab.data.seed import build
from lab.data.worlds import upload
from lab.patterns.csv_upload import MOST_ERRORS, PATTERN, stream_rows

FIXTURES = Path(__file__).parents[1] / "fixtures" / "uploads"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())

HEADER = b"email,name,age,can_export\n"


@pytest.fixture
def db(whole_table):
    """A session with an empty, temporary table of users."""
    with upload(bytes=100) as (_, session):
        yield session


def count(db) -> int:
    return db.execute(text("select count(*) from users")).scalar_one()


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
@pytest.mark.parametrize("name", EXPECTED)
def test_files_with_known_answers(variant, name, db):
    with (FIXTURES / name).open("rb") as file:
        report = variant.run(file, db)
    found = {
        "imported": report.imported,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "lines": [line for line, _ in report.errors],
    }
    assert found == EXPECTED[name]
    assert count(db) == report.imported


def test_errors_name_the_column_and_the_reason(db):
    file = io.BytesIO(HEADER + b"a@b.c,A,200,true\n")
    assert stream_rows(file, db).errors == [
        (2, "age: Input should be less than or equal to 150"),
    ]


def test_described_errors_are_bounded_and_counted_ones_are_not(db):
    file = io.BytesIO(HEADER + b"nobody,N,1,true\n" * 5_000)
    report = stream_rows(file, db)
    assert (report.imported, report.rejected, len(report.errors)) == (0, 5_000, MOST_ERRORS)


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_an_import_that_fails_late_leaves_no_row(variant, db):
    good = b"".join(b"p%d@b.c,P,1,true\n" % i for i in range(3_000))
    file = io.BytesIO(HEADER + good + b"\xff\xfe broken utf-8\n")
    with pytest.raises(UnicodeDecodeError):
        variant.run(file, db)
    assert count(db) == 0


def test_a_database_error_leaves_no_row_of_an_earlier_batch(db):
    db.execute(text("alter table users add check (name <> 'Q')"))
    db.commit()
    rows = [b"p%d@b.c,P,1,true\n" % i for i in range(30)]
    rows[25] = b"q@b.c,Q,1,true\n"
    with pytest.raises(DBAPIError, match="violates check constraint"):
        stream_rows(io.BytesIO(HEADER + b"".join(rows)), db, batch=10)
    assert count(db) == 0


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_a_line_without_an_end_is_refused(variant, db):
    file = io.BytesIO(HEADER + b"p@b.c,P,1,true\n" + b"x" * 1_000_000)
    with pytest.raises(ValueError, match="line 3 is longer than 65,536 characters"):
        variant.run(file, db)
    assert count(db) == 0


def test_the_file_is_left_open_for_its_owner(db):
    file = io.BytesIO(HEADER)
    stream_rows(file, db)
    assert not file.closed


def test_the_labs_own_table_of_users_stays_empty(whole_table):
    with upload(bytes=10_000) as (file, db):
        assert stream_rows(file, db).imported > 50
    with database() as engine:
        build(engine, 1)
        with engine.connect() as connection:
            assert connection.execute(text("select count(*) from users")).scalar() == 0
