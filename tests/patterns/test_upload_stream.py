"""Files and forms, good and hostile, on a real server: all of a file is imported, or none."""

import json
import threading
from pathlib import Path

import pytest

from lab.net.client import request
from lab.patterns.shared.user_import import MOST_ERRORS
from lab.toolbox.csv_pages import PageReader
from lab.toolbox.csv_stream import read_rows, required_header, text_lines
from lab.toolbox.multipart import file_part
from lab.toolbox.refused_error import RefusedError
from lab.toolbox.upload_form import BOUNDARY, FORM, as_form
from tests.patterns.upload_helpers import HEADER, ROW, form, people

pytest_plugins = ["tests.patterns.upload_fixtures"]

PATHS = (
    "/users/import",
    "/tuned/users/import",
    "/streaming/users/import",
    "/naive/users/import",
    "/trap/users/import",
)
FIXTURES = Path(__file__).parents[2] / "fixtures" / "uploads"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())

everywhere = pytest.mark.parametrize("path", PATHS[1:])


def refused(name):
    return EXPECTED[name]["imported"] == 0 and name != "header_only.csv"


@everywhere
@pytest.mark.parametrize("name", [n for n in EXPECTED if not refused(n) and n != "nul.csv"])
def test_files_with_known_answers(send, users, path, name):
    status, answer = send(form((FIXTURES / name).read_bytes()), path)
    assert status == 200, answer
    lines = [error["line"] for error in answer.pop("errors")]
    assert {**answer, "lines": lines} == EXPECTED[name]
    assert users() == answer["imported"]


GOOD = {
    "a byte order mark": (b"\xef\xbb\xbf" + HEADER + ROW, 1),
    "windows' line ends": (HEADER.replace(b"\n", b"\r\n") + ROW + b"\r\nb@b.c,B,2,no\r\n", 2),
    "old line ends": (HEADER.replace(b"\n", b"\r") + ROW + b"\rb@b.c,B,2,no\r", 2),
    "newlines in quotes": (HEADER + b'a@b.c,"A\nB\r\nC",1,true\n', 1),
    "columns in another order": (b"age,can_export,email,name\n1,true,a@b.c,A\n", 1),
    "a header and no row": (HEADER, 0),
}


@everywhere
@pytest.mark.parametrize("what", GOOD)
def test_files_that_are_taken(send, users, path, what):
    content, rows = GOOD[what]
    status, answer = send(form(content), path)
    assert (status, answer["imported"], answer["rejected"]) == (200, rows, 0)
    assert users() == rows


BAD = {
    "an empty file": (b"", "the file is empty"),
    "blank lines alone": (b"\r\n\n", "the file is empty"),
    "other columns": (b"name,mail\nA,a@b.c\n", "line 1 must name each column once: email, name"),
    "semicolons": (HEADER.replace(b",", b";") + ROW, "line 1 must name each column once"),
    "a column twice": (b"email," + HEADER + ROW, "line 1 must name each column once"),
    "10,000 columns": (b",".join([HEADER.strip()] + [b"x"] * 9_996), "line 1 has 10,000 columns"),
    "a quote in the header": (b'email,"name,age,can_export\n', "line 1 is never closed"),
    "an unclosed quote": (
        HEADER + people(3) + b'x@b.c,"X,1,true\n' + ROW,
        "line 5 is never closed",
    ),
    "a NUL": (HEADER + people(2_000) + b"x\0@b.c,X,1,true\n", "line 2002 holds a NUL"),
    "broken UTF-8": (HEADER + people(2_000) + b"x@b.c,\xff,1,true\n", "line 2002 is not UTF-8"),
    "a character cut off": (HEADER + b"x@b.c,\xc3", "line 2 is not UTF-8"),
    "Latin-1": (HEADER + "x@b.c,Zoë,1,true\n".encode("latin-1"), "line 2 is not UTF-8"),
    "UTF-16": ((HEADER + ROW).decode().encode("utf-16"), "line 1 is not UTF-8"),
    "UTF-16 without a mark": ((HEADER + ROW).decode().encode("utf-16-le"), "line 1 holds a NUL"),
    "a long line": (HEADER + people(2_000) + b"x" * 65_537, "line 2002 is longer than 65,536"),
    "a long row": (
        HEADER + people(2_000) + b'"' + b"x\n" * 40_000,
        "starts in line 2002 is longer",
    ),
}


@everywhere
@pytest.mark.parametrize("what", BAD)
def test_files_that_are_refused(send, users, path, what):
    """The sentence names the line, and no row before it is stored."""
    content, sentence = BAD[what]
    status, answer = send(form(content), path)
    assert status == 422
    assert sentence in answer["detail"]
    assert users() == 0


PART = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
DATA = PART + HEADER + ROW + b"\r\n"
FIELD = b'--B\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n'
END = b"--B--\r\n"
BROKEN = {
    "no part": (END, 422, "the form has no file"),
    "nothing at all": (b"", 422, "ends before its closing boundary"),
    "a field and no file": (FIELD + END, 422, "the form has no file"),
    "another part": (DATA.replace(b'"file"', b'"upload"') + END, 422, "the form has no file"),
    "two files": (DATA + DATA + END, 422, "the form has two files"),
    "no end": (DATA, 422, "ends before its closing boundary"),
    "another boundary": (DATA.replace(b"--B", b"--C") + END, 422, "not well-formed"),
    "many headers": (b"--B\r\n" + b"X: y\r\n" * 1_000 + DATA[3:] + END, 422, "not well-formed"),
    "a long header": (b"--B\r\nX: " + b"y" * 100_000 + DATA[3:] + END, 422, "not well-formed"),
}


@everywhere
@pytest.mark.parametrize("what", BROKEN)
def test_forms_that_are_refused(send, users, path, what):
    body, status, sentence = BROKEN[what]
    actual, answer = send(body, path, "multipart/form-data; boundary=B")
    assert actual == status
    assert sentence in answer["detail"]
    assert users() == 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/csv", 415),
        ("application/json", 415),
        ("", 415),
        ("multipart/form-data", 422),
        ("multipart/form-data; boundary=" + "b" * 71, 422),
        ('multipart/form-data; boundary=""', 422),
    ],
)
def test_content_types_that_are_no_form(send, users, kind, status):
    assert send(form(HEADER + ROW), kind=kind)[0] == status
    assert users() == 0


def test_other_parts_are_passed_over(send, users):
    body = FIELD.replace(b'"file"', b'"note"') + DATA + FIELD.replace(b'"file"', b'"more"') + END
    assert send(body, kind="multipart/form-data; boundary=B")[0] == 200
    assert users() == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("USERS.CSV", 200),
        ('a "quoted" name.csv', 200),
        ("two\r\nlines.csv", 200),
        ("../../etc/passwd.csv", 200),
        ("..\\..\\users.csv", 200),
        ("пользователи.csv", 200),
        ("🐘.csv", 200),
        ("n" * 300 + ".csv", 200),
        ("%00.csv", 200),
        ("'; drop table users; --.csv", 200),
        ("users.xlsx", 415),
        ("users.csv.exe", 415),
        ("csv", 415),
        ("", 415),
    ],
)
def test_a_name_is_looked_at_and_not_used(send, users, name, status):
    actual, answer = send(form(HEADER + ROW, name))
    assert actual == status, answer
    assert users() == (status == 200)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "rows"), [*((path, 100_000) for path in PATHS[1:]), (PATHS[0], 1_000_000)]
)
def test_many_bad_rows_are_counted_and_few_described(send, users, path, rows):
    status, answer = send(form(HEADER + b"x,,,\n" * rows), path)
    assert (status, answer["imported"], answer["rejected"]) == (200, 0, rows)
    assert len(answer["errors"]) == MOST_ERRORS
    assert answer["errors"][0]["line"] == 2


@everywhere
def test_addresses_that_come_twice_are_imported_once(send, users, path):
    first, again = (send(form(HEADER + people(1_500) + people(10)), path)[1] for _ in range(2))
    assert (first["imported"], first["duplicates"]) == (1_500, 10)
    assert (again["imported"], again["duplicates"]) == (0, 1_510)
    assert users() == 1_500


def test_two_imports_of_one_file_at_once(send, users):
    body, answers = form(HEADER + people(5_000)), []
    threads = [threading.Thread(target=lambda: answers.append(send(body))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200, 200]
    assert sorted(report["imported"] for _, report in answers) == [0, 5_000]
    assert users() == 5_000


@pytest.mark.parametrize("size", [1, 2, 3, 7, 31, 64, 1_000])
def test_where_a_body_is_cut_does_not_matter(size):
    """Pieces end within boundaries, headers, line ends and characters."""
    content = '\ufeffa,b\r\n"ë\r\n\n🐘",2\r3\n\r\n'.encode() * 3 + f"\r\n--{BOUNDARY[:-1]}".encode()
    body = b"".join(as_form([content], "ë.csv"))
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    assert b"".join(file_part(chunks, FORM)) == content
    lines = list(text_lines(file_part(chunks, FORM)))
    assert "".join(lines) == content.decode("utf-8-sig")
    assert lines == list(text_lines([content]))


def test_forms_that_arrive_in_turns_are_not_mixed_up():
    def pieces(content):
        return (body[start : start + 50] for body in [form(content)] for start in range(0, 900, 50))

    a, b = HEADER + people(20), HEADER + people(20, 5_000)
    turns = zip(file_part(pieces(a), FORM), file_part(pieces(b), FORM), strict=False)
    first, second = (b"".join(parts) for parts in zip(*turns, strict=True))
    assert a.startswith(first)
    assert b.startswith(second)
    assert len(first) > 300


TRICKY = (
    'a,b\n"\n",1\n\n\r\n' + "x,y\n" * 7 + 'x,"y\n\nz"\n"q"q,1\n' + "x,y\r" * 4 + '\n"",\n',
    "a,b\n" + ("x,y\n" * 9 + '"\n\n\n"\n' + "z" * 9_000 + "\n") * 30,
    "a,b\n" + "x,y\n" * 50 + '"x,y\n' * 3,
    "a,b\n" + "x,y\n" * 50 + '"' + "x,y\n" * 20_000,
    '\n\n"a","b"\n\n"\n\n',
)


@pytest.mark.parametrize("batch", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("content", TRICKY, ids=range(len(TRICKY)))
def test_pages_hold_the_rows_of_the_file_wherever_a_page_ends(content, batch):
    """The row reader also counts the lines that were parsed as a page."""

    def rows(header, numbered):
        return header, [(line, str(row)) for line, row in numbered if row]

    def answer(read):
        try:
            return rows(*read(content.splitlines(keepends=True)))
        except RefusedError as error:
            return str(error)

    def by_row(lines):
        numbered = read_rows(lines)
        return required_header(numbered, "ab"), numbered

    def by_page(lines):
        reader = PageReader(lines)
        header, pages = required_header(reader.rows, "ab"), reader.pages(batch)
        return header, (pair for p in pages for pair in zip(p.starts, p.rows, strict=True))

    assert answer(by_page) == answer(by_row)


def test_the_line_of_a_fault_does_not_depend_on_the_cuts():
    content = b"a\rb\r\nc\n\n\xffd\n"
    for size in range(1, len(content) + 1):
        chunks = [content[start : start + size] for start in range(0, len(content), size)]
        with pytest.raises(RefusedError, match="line 5 is not UTF-8"):
            list(text_lines(chunks))


def test_the_form_is_described(server):
    paths = json.loads(request(f"{server.url}/openapi.json").body)["paths"]
    assert set(PATHS) <= set(paths)
    for path in PATHS:
        described = paths[path]["post"]
        assert "multipart/form-data" in described["requestBody"]["content"]
        assert {"200", "401", "403", "413", "415", "422", "503", "507"} <= set(
            described["responses"]
        )
