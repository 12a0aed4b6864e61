"""Imports: bad rows are reported by line, few described, all counted; a failure stores none."""

import csv
import io
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lab.data.database import database
from lab.data.inputs import upload
from lab.data.seed import build
from lab.patterns.csv_upload import PATTERN, copy_rows, stream_rows
from lab.patterns.shared.user_import import MOST_ERRORS, NewUser
from lab.patterns.upload_stream import copy_as_it_arrives
from lab.toolbox.multipart import Upload
from lab.toolbox.refused_error import RefusedError
from lab.toolbox.upload_form import FORM, as_form

FIXTURES = Path(__file__).parents[2] / "fixtures" / "uploads"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())

HEADER = b"email,name,age,can_export\n"

flat = pytest.mark.parametrize("variant", [stream_rows, copy_rows])


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
    counts = {
        "imported": report.imported,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "lines": [line for line, _ in report.errors],
    }
    assert counts == EXPECTED[name]
    assert count(db) == report.imported


@flat
def test_errors_name_the_column_and_the_reason(variant, db):
    """The reason is the message of Pydantic."""
    file = io.BytesIO(HEADER + b"a@b.c,A,200,true\n")
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(NewUser).validate_python(
            {"email": "a@b.c", "name": "A", "age": "200", "can_export": "true"}
        )
    (problem,) = wrong.value.errors()
    assert "150" in problem["msg"]
    assert variant(file, db).errors == [(2, f"age: {problem['msg']}")]


@flat
def test_described_errors_are_bounded_and_counted_ones_are_not(variant, db):
    file = io.BytesIO(HEADER + b"nobody,N,1,true\n" * 5_000)
    report = variant(file, db)
    assert (report.imported, report.rejected, len(report.errors)) == (0, 5_000, MOST_ERRORS)


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_an_import_that_fails_late_leaves_no_row(variant, db):
    good = b"".join(b"p%d@b.c,P,1,true\n" % i for i in range(3_000))
    file = io.BytesIO(HEADER + good + b"\xff\xfe broken utf-8\n")
    with pytest.raises(RefusedError, match="the file is not UTF-8"):
        variant.run(file, db)
    assert count(db) == 0


@flat
def test_a_database_error_leaves_no_row_of_an_earlier_batch(variant, db):
    db.execute(text("alter table users add check (name <> 'Q')"))
    db.commit()
    rows = [b"p%d@b.c,P,1,true\n" % i for i in range(30)]
    rows[25] = b"q@b.c,Q,1,true\n"
    with pytest.raises(DBAPIError, match="violates check constraint"):
        variant(io.BytesIO(HEADER + b"".join(rows)), db, batch=10)
    assert count(db) == 0


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_a_line_without_an_end_is_refused(variant, db):
    file = io.BytesIO(HEADER + b"p@b.c,P,1,true\n" + b"x" * 1_000_000)
    with pytest.raises(RefusedError, match="line 3 is longer than 65,536 characters"):
        variant.run(file, db)
    assert count(db) == 0


LONG_ROWS = {
    "letters": (b"x" * 65_535 + b"\n", 150),
    "commas": (b"," * 65_535 + b"\n", 150),
    "more cells than columns": (b"a@b.c,A,1,true" + b"," * 65_000 + b"\n", 150),
    "cells of many lines": (b'"x\n",' * 5_000 + b"\n", 150),
    "empty lines": (b"\n", 100_000),
    "bad rows": (b"x,,,\n", 5_000),
}


def copy_arriving(file, db):
    return copy_as_it_arrives(Upload(as_form(iter(lambda: file.read(65_536), b"")), FORM), db)


@pytest.mark.slow
@pytest.mark.parametrize("variant", [copy_rows, copy_arriving])
@pytest.mark.parametrize("what", LONG_ROWS)
def test_long_rows_are_held_a_page_at_a_time_and_their_cells_a_row_at_a_time(variant, what, db):
    """A page is 6.5 MB of such lines; the cells of a page of commas would be another 50 MB."""
    line, count = LONG_ROWS[what]
    file = io.BytesIO(HEADER + line * count)
    tracemalloc.start()
    try:
        report = variant(file, db)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    many = 0 if what == "empty lines" else count
    assert report.imported + report.duplicates + report.rejected == many
    assert peak < 20_000_000


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_a_row_without_an_end_is_refused(variant, db):
    file = io.BytesIO(HEADER + b"p@b.c,P,1,true\n" + b'"x\n",' * 100_000)
    with pytest.raises(RefusedError, match="row that starts in line 3 is longer than 65,536 char"):
        variant.run(file, db)
    assert count(db) == 0


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_a_quote_that_is_never_closed_is_refused(variant, db):
    file = io.BytesIO(HEADER + b'p@b.c,P,1,true\nq@b.c,"Q,1,true\n')
    with pytest.raises(RefusedError, match="a quote in line 3 is never closed"):
        variant.run(file, db)
    assert count(db) == 0


@flat
def test_the_file_is_left_open_for_its_owner(variant, db):
    file = io.BytesIO(HEADER)
    variant(file, db)
    assert not file.closed


HOSTILE = (
    r"\.",
    r"\N",
    r"\\",
    r"back\slash",
    r"not a tab: \t",
    "a\ttab",
    "two\nlines",
    "old\rlines",
    "windows'\r\nlines",
    "\n\\.\n",
    'a "quote"',
    "commas,, and; semicolons",
    "naïve 🐘 \u202eleft\u2028\x85\x1f",
    "%s %(name)s {name} ' -- ;",
    "null",
    " ",
    "x" * 200,
)


@pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
def test_hostile_values_arrive_as_they_are(variant, db):
    """No value is taken for an end, an escape, a command or NULL; an empty name is rejected."""
    text_file = io.StringIO(newline="")
    writer = csv.writer(text_file)
    writer.writerow(["email", "name", "age", "can_export"])
    writer.writerows([f"\\p{i}@b.c", name, "1", "no"] for i, name in enumerate(HOSTILE))
    writer.writerow(["z@b.c", "", "1", "no"])
    report = variant.run(io.BytesIO(text_file.getvalue().encode()), db)
    stored = db.execute(text("select email, name from users order by id")).all()
    assert stored == [(f"\\p{i}@b.c", name) for i, name in enumerate(HOSTILE)]
    assert (report.imported, report.rejected) == (len(HOSTILE), 1)


@pytest.mark.parametrize("age", ["42", " 42 ", "+42", "42.0", "4_2", "٤٢", "0x2a", "", "1e1"])
@pytest.mark.parametrize("flag", ["true", "YES", "on", "0", "f", "2", ""])
def test_the_tuned_import_reads_numbers_and_flags_as_the_other_does(db, age, flag):
    row = f"a@b.c,A,{age},{flag}\n".encode()
    assert_same(db, HEADER + row)


LONG_CELL = b'l@b.c,"' + b"x\n" * 30_000 + b'",1,true\n'
MIXED = b"".join(
    (
        b"a@b.c,A,1,true\nshort@b.c,S\n\n\r\n",
        b'm@b.c,"Many\nlines\r\nof\rname",2,false,more,cells\n',
        LONG_CELL,
        b"a@b.c,Again,3,true\nbad,B,3,true\nx@b.c,\0,1,true\n" * 3,
        b'q@b.c,"quo"ted,4,true\r\n"\n",x\nlast@b.c,L,5,"false"',
    )
)
HEADERS = {
    "as it should be": HEADER,
    "another order": b"age,can_export,name,email\n",
    "more columns": b"x,email,y,name,age,can_export\n",
    "a column missing": b"email,name,age\n",
    "a column twice": b"email,name,age,can_export,email\n",
    "two lines, after blank ones": b'\n\n"an\nother",email,name,age,can_export\n',
    "none": b"",
}


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize("header", HEADERS)
def test_the_tuned_import_says_what_the_other_says(db, header, batch):
    """The lines, reasons and rows are the same, independent of where a batch ends."""
    assert_same(db, HEADERS[header] + MIXED, batch)


def assert_same(db, content, batch=100):
    answers = []
    for variant in (stream_rows, copy_rows):
        report = variant(io.BytesIO(content), db, batch=batch)
        stored = db.execute(
            text("select email, name, age, can_export from users order by id")
        ).all()
        answers.append((report, stored))
        db.execute(text("truncate users"))
        db.commit()
    assert answers[0] == answers[1]


def test_an_address_that_is_there_already_is_a_duplicate_wherever_it_comes(db):
    """Rows that were inserted before the first duplicate was found are inserted once."""
    copy_rows(io.BytesIO(HEADER + b"there@b.c,T,1,true\n"), db)
    new = b"".join(b"p%d@b.c,P,1,true\n" % i for i in range(500))
    report = copy_rows(io.BytesIO(HEADER + new + b"there@b.c,Other,2,no\n" + new), db)
    assert (report.imported, report.duplicates) == (500, 501)
    assert db.execute(text("select name from users where email = 'there@b.c'")).scalar() == "T"


def test_nothing_is_left_of_the_temporary_table(db):
    for content in (HEADER + b"a@b.c,A,1,true\n", HEADER, b"", HEADER + b"\xff\n"):
        with suppress(RefusedError):
            copy_rows(io.BytesIO(content), db)
        assert db.execute(text("select to_regclass('staged_users')")).scalar() is None
        db.rollback()


def test_the_labs_own_table_of_users_stays_empty(whole_table):
    with upload(bytes=10_000) as (file, db):
        assert stream_rows(file, db).imported > 50
    with database() as engine:
        build(engine, 1)
        with engine.connect() as connection:
            assert connection.execute(text("select count(*) from users")).scalar() == 0
