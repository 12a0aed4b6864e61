"""Trusted files on a real server: all rows are loaded or, if one does not fit, none."""

import csv
import json
import threading
from contextlib import closing
from itertools import pairwise

import pytest
from sqlalchemy import text

from lab.data.files import users_csv
from lab.net.client import request
from lab.toolbox.upload_form import BOUNDARY, as_form
from tests.helpers import wait_until
from tests.patterns.upload_helpers import HEADER, LIMIT, ROW, Sender, form, people, serving

pytest_plugins = ["tests.patterns.upload_fixtures"]

APP = "lab.web.app:app"
BEST = "/imports/users.csv"
PATHS = tuple(f"/{role}{BEST}" for role in ("naive", "streaming", "tuned"))
BOM = b"\xef\xbb\xbf"

everywhere = pytest.mark.parametrize("path", PATHS)
as_it_comes = pytest.mark.parametrize("kind", ["form", "text/csv"])


@pytest.fixture(scope="module")
def server(users_table):
    with serving(APP) as server:
        yield server


@pytest.fixture
def load(send):
    """Send a file, as the whole body or in a form."""

    def post(content, path=BEST, kind="text/csv"):
        return send(form(content), path) if kind == "form" else send(content, path, kind)

    return post


@pytest.fixture
def stored(users_table):
    """Return the rows of the table of users, sorted."""

    def rows():
        with users_table.connect() as connection:
            users = connection.execute(text("select email, name, age, can_export from users"))
            return sorted(tuple(row) for row in users)

    return rows


ONE = [("a@b.c", "A", 1, True)]
TAKEN = {
    "as it should be": (HEADER + ROW, ONE),
    "a byte order mark": (BOM + HEADER + ROW, ONE),
    "a mark and quoted names": (BOM + b'"email","name",age,can_export\n' + ROW, ONE),
    "columns in another order": (b"age,can_export,email,name\n1,true,a@b.c,A\n", ONE),
    "windows' line ends": (HEADER.replace(b"\n", b"\r\n") + ROW + b"\r\n", ONE),
    "old line ends": (HEADER.replace(b"\n", b"\r") + ROW + b"\r", ONE),
    "a header and no row": (HEADER, []),
    "a header without an end": (HEADER.strip(), []),
    "the database's words": (HEADER + b"a@b.c,A, 1 ,t\n", ONE),
    "cells that look like commands": (
        HEADER + b'\\.@b.c,"\\N ""x"",\r\n\\.x",1,no\n',
        [("\\.@b.c", '\\N "x",\r\n\\.x', 1, False)],
    ),
}


@everywhere
@as_it_comes
@pytest.mark.parametrize("what", TAKEN)
def test_files_that_are_taken(load, stored, path, kind, what):
    content, rows = TAKEN[what]
    assert load(content, path, kind) == (200, {"imported": len(rows)})
    assert stored() == rows


MANY = HEADER + people(3_000)
REFUSED = {
    "no number": (MANY + b"x@b.c,X,old,true\n", 422, "line 3002, column age: invalid input syntax"),
    "a number too large": (MANY + b"x@b.c,X,9999999999,no\n", 422, "line 3002, column age: value"),
    "no flag": (MANY + b"x@b.c,X,1,maybe\n", 422, "line 3002, column can_export: invalid"),
    "nothing where something must be": (MANY + b"x@b.c,,1,no\n", 422, 'line 3002: null value in'),
    "too few cells": (MANY + b"x@b.c,X\n", 422, 'line 3002: missing data for column "age"'),
    "too many cells": (MANY + b"x@b.c,X,1,no,x\n", 422, "line 3002: extra data after last"),
    "a blank line": (MANY + b"\n" + ROW, 422, "line 3002: missing data"),
    "an unclosed quote": (MANY + b'x@b.c,"X,1,no\n' + ROW, 422, "unterminated CSV quoted field"),
    "mixed line ends": (MANY + ROW + b"\rx@b.c,X,1,no\n", 422, "line 3002: unquoted carriage"),
    "broken UTF-8": (MANY + b"x@b.c,\xff,1,no\n", 422, "line 3002: invalid byte sequence"),
    "a NUL": (MANY + b"x\0@b.c,X,1,no\n", 422, "line 3002: invalid byte sequence"),
    "a key twice": (MANY + people(1), 409, "line 3002: Key (email)=(p0@b.c) already exists."),
    "a key too long": (
        MANY + b"".join(b"%d" % (n * n) for n in range(9_000)) + ROW + b"\n",
        422,
        "line 3002: index row",
    ),
    "a line that ended a COPY": (MANY + b"\\.\n" + people(9, 3_000), 422, r"a line is \. alone"),
    "columns after the lines": (HEADER + b"x\n" * 99, 422, "line 2: missing data"),
    "the faults of a later cell": (
        HEADER + b'a@b.c,"A\nB",1,no\nx@b.c,X,x,no\n',
        422,
        "line 4, column age",
    ),
    "a cell without an end": (MANY + b"x@b.c,X," + b"9" * 1_000_000, 422, "a row is longer than"),
    "a cell of many lines": (
        MANY + b'x@b.c,X,"' + b"9\n" * 500_000 + b'",no\n',
        422,
        "a row is longer than 65,536 bytes: is a quote not closed?",
    ),
    "no file": (b"", 422, "the file is empty"),
    "a blank line first": (b"\n" + HEADER + ROW, 422, "the file is empty"),
    "no header": (people(9), 422, "line 1 must name each column once: email, name, age"),
    "a column missing": (b"email,name,age\n", 422, "line 1 must name each column once"),
    "a column twice": (b"email," + HEADER + ROW, 422, "line 1 must name each column once"),
    "a column of the table's own": (b"id," + HEADER, 422, "line 1 has unknown columns: id"),
    "no column": (b'"x"") --",' + HEADER, 422, 'line 1 has unknown columns: x") --'),
    "semicolons": (HEADER.replace(b",", b";") + ROW, 422, "line 1 must name each column once"),
    "a header without an end": (b"x" * 1_000_000, 422, "line 1 is longer than 65,536"),
    "Latin-1": ("é,".encode("latin-1") + HEADER, 422, "line 1 is not UTF-8"),
    "UTF-16": ((HEADER + ROW).decode().encode("utf-16"), 422, "line 1 is not UTF-8"),
}  # fmt: skip


@everywhere
@pytest.mark.parametrize("what", REFUSED)
def test_files_that_are_refused(load, users, path, what):
    """One sentence names the line, and no row before it is stored."""
    content, status, sentence = REFUSED[what]
    actual, answer = load(content, path)
    assert (actual, sentence in answer["detail"]) == (status, True), answer
    assert len(answer["detail"]) <= 300
    assert "\n" not in answer["detail"]
    assert users() == 0


@everywhere
def test_a_key_that_was_there_before_is_named(load, users, path):
    assert load(HEADER + people(10), path)[0] == 200
    status, answer = load(HEADER + people(5, 100) + people(1, 7), path)
    assert (status, answer["detail"]) == (409, "line 7: Key (email)=(p7@b.c) already exists.")
    assert users() == 10


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/csv", 200),
        ("text/csv; charset=utf-8", 200),
        ('Text/CSV; header=present; charset="UTF-8"', 200),
        ("text/csv; charset=latin-1", 415),
        ("text/plain", 415),
        ("", 415),
        ("multipart/form-data", 422),
    ],
)
def test_content_types(load, users, kind, status):
    assert load(HEADER + ROW, kind=kind)[0] == status
    assert users() == (status == 200)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_where_a_body_is_cut_does_not_matter(send, users, size):
    def cut(content):
        return (content[start : start + size] for start in range(0, len(content), size))

    content = BOM + HEADER + 'x@b.c,"ë\n🐘",1,true\n'.encode()
    assert send(cut(content), BEST, "text/csv") == (200, {"imported": 1})
    status, answer = send(cut(content[:-1] + b"\n\\.\n" + ROW), BEST, "text/csv")
    assert (status, r"\. alone" in answer["detail"]) == (422, True)


@everywhere
def test_the_limit_is_the_imports_own(load, users, path):
    assert load(HEADER + b"x" * LIMIT, path)[0] == 413
    assert users() == 0


def begun():
    return HEADER + people(20_000)


def copying(users_table):
    """Count the rows that COPYs in progress have processed."""
    with users_table.connect() as connection:
        result = connection.execute(
            text("select coalesce(sum(tuples_processed), 0) from pg_stat_progress_copy")
        )
        return int(result.scalar_one())


def copies(users_table):
    with users_table.connect() as connection:
        return connection.execute(text("select count(*) from pg_stat_progress_copy")).scalar_one()


def starts(kind):
    if kind == "text/csv":
        return begun(), {"Content_Type": kind}
    return next(as_form([])) + begun(), {}


@as_it_comes
def test_a_client_that_hangs_up_leaves_nothing(server, sender, users_table, users, kind):
    head, headers = starts(kind)
    client = sender(BEST, Content_Length=LIMIT, **headers)
    client.send(head)
    assert wait_until(lambda: copying(users_table) > 1_000)
    client.close()
    assert wait_until(lambda: copies(users_table) == 0)
    assert users() == 0
    assert "Traceback" not in server.written()


@as_it_comes
def test_a_killed_server_leaves_no_row(users_table, users, kind):
    head, headers = starts(kind)
    with (
        serving(APP) as server,
        closing(Sender(server, BEST, Content_Length=LIMIT, **headers)) as client,
    ):
        client.send(head)
        assert wait_until(lambda: copying(users_table) > 1_000)
        server.process.kill()
        server.process.wait()
    assert wait_until(lambda: copies(users_table) == 0)
    assert users() == 0


def test_a_slow_client_that_spools_keeps_no_row_from_others(sender, load, users):
    """Its COPY begins when its file is complete; until then others can load the same rows."""
    length = len(begun() + ROW)
    client = sender(PATHS[1], Content_Length=length, Content_Type="text/csv", Connection="close")
    client.send(begun())
    assert load(begun()) == (200, {"imported": 20_000})
    client.send(ROW)
    assert client.receive().startswith(b"HTTP/1.1 409 ")
    assert users() == 20_000


def test_two_loads_of_one_file_at_once(load, users):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(load(begun()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200, 409]
    assert users() == 20_000


def test_a_clean_file_has_valid_rows_and_other_addresses_only(own_home):
    path = users_csv(200_000, clean=True)
    assert 199_800 < path.stat().st_size <= 200_000
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all("@" in row["email"] and 0 <= int(row["age"]) <= 150 for row in rows)
    assert all(row["email"] < later["email"] for row, later in pairwise(rows))


def test_the_body_is_described(server):
    paths = json.loads(request(f"{server.url}/openapi.json", keep=1_000_000).body)["paths"]
    assert {BEST, *PATHS} <= set(paths)
    for path in (BEST, *PATHS):
        described = paths[path]["post"]
        assert {"multipart/form-data", "text/csv"} == set(described["requestBody"]["content"])
        assert {"200", "401", "409", "413", "415", "422"} <= set(described["responses"])
    assert BOUNDARY not in json.dumps(paths)
