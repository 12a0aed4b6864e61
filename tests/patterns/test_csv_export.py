"""Exports of hostile texts: every variant writes the same file, and it parses back."""

import csv
import io
import json

import pytest
from sqlalchemy import text

from lab.data.inputs import posts
from lab.data.seed import build
from lab.patterns.csv_export import PATTERN
from lab.patterns.ndjson_export import PATTERN as NDJSON
from lab.patterns.shared.post_columns import HEADER

HOSTILE = [
    "", " ", "plain", "a,b", 'say "hi"', '"', '""', "two\nlines", "carriage\rreturn", "both\r\nend",
    "back\\slash", "\\.", "\\N", "NULL", "null", "tab\there", "ünï渡辺🎉", "\ufeffmark", "%s %% %",
    "'", ";", "=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", ",", "\x01", "x" * 200_000,
]  # fmt: skip

every_variant = pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)


@pytest.fixture(autouse=True)
def long_cells():
    """Let the reader of these tests take the longest cells, whichever of them comes first."""
    before = csv.field_size_limit(1_000_000)
    yield
    csv.field_size_limit(before)


@pytest.fixture
def hostile(own_schema):
    """Posts with titles, authors and times that are easy to write wrong."""
    build(own_schema, len(HOSTILE))
    with own_schema.begin() as connection:
        for number, value in enumerate(HOSTILE, 1):
            author, micros = number % len(HOSTILE) + 1, (0, 1, 120_000, 500_000)[number % 4]
            connection.execute(
                text(
                    "update posts set title = :value, author_id = nullif(:author, 3),"
                    " created_at = created_at + :micros * interval '1 microsecond' where id = :id"
                ),
                {"value": value, "author": author, "micros": micros, "id": number},
            )
            connection.execute(
                text("update authors set name = :value where id = :id"),
                {"value": value, "id": number},
            )
    return len(HOSTILE)


def written(variant, rows, **options):
    with posts(rows) as db:
        parts = list(variant.run(db, **options))
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


@pytest.mark.parametrize("spreadsheet", [False, True])
@every_variant
def test_hostile_texts_are_the_same_bytes_from_every_variant(hostile, variant, spreadsheet):
    expected = written(PATTERN.first("naive"), hostile, spreadsheet=spreadsheet)
    assert written(variant, hostile, spreadsheet=spreadsheet) == expected


def test_hostile_texts_parse_back(hostile):
    content = written(PATTERN.recommended, hostile).decode()
    header, *rows = csv.reader(io.StringIO(content, newline=""))
    assert tuple(header) == HEADER
    assert [row[1] for row in rows] == HOSTILE
    with posts(hostile) as db:
        there = db.execute(
            text("select coalesce(name, ''), created_at from posts left join authors a"
                 " on a.id = author_id order by posts.id")
        ).all()  # fmt: skip
    assert [(row[2], row[4]) for row in rows] == [(name, at.isoformat()) for name, at in there]
    assert any("." in row[4] for row in rows)
    assert any("." not in row[4] for row in rows)


def test_for_a_spreadsheet_no_text_begins_as_a_formula(hostile):
    content = written(PATTERN.recommended, hostile, spreadsheet=True).decode()
    _, *rows = csv.reader(io.StringIO(content, newline=""))
    changed = [value for value, row in zip(HOSTILE, rows, strict=True) if row[1] != value]
    assert changed == ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"]
    assert all(row[1] in (value, f"'{value}") for value, row in zip(HOSTILE, rows, strict=True))


@pytest.mark.parametrize("chunk", [100, 4_096, 1_000_000])
def test_chunks_of_any_size_are_the_same_file(whole_table, chunk):
    tuned = PATTERN["copy_chunks"]
    assert written(tuned, 2_000, chunk=chunk) == written(tuned, 2_000)


@pytest.mark.parametrize("variant", NDJSON.variants, ids=lambda v: v.name)
def test_hostile_texts_are_the_same_lines_of_json_and_parse_back(hostile, variant):
    content = written(variant, hostile)
    assert content == written(NDJSON.first("naive"), hostile)
    lines = content.decode().split("\n")
    assert lines.pop() == ""
    shown = [json.loads(line) for line in lines]
    assert [post["title"] for post in shown] == HOSTILE
    assert shown[0].keys() == dict.fromkeys(HEADER).keys()
    assert None in [post["author"] for post in shown]
