"""The lesson's endpoints on a real server: every variant answers alike, and errors come first."""

import csv
import io
import json
import os
from http.client import HTTPConnection, IncompleteRead

import pytest

from lab.data.files import download_file, folder
from lab.data.inputs import posts
from lab.endpoints.tokens import token
from lab.net.client import request
from lab.net.server import running
from lab.patterns.csv_export import PATTERN as CSV_EXPORT
from lab.toolbox.csv_writer import SheetWriter

ALLOWED = {"Authorization": f"Bearer {token()}"}


@pytest.fixture(scope="module")
def server(whole_table):
    with running("lab.web.app:app") as server:
        yield server


@pytest.fixture
def get(server):
    def send(path, headers=ALLOWED, **options):
        return request(server.url + path, headers=headers, **options)

    return send


@pytest.fixture(scope="module")
def document(server):
    return json.loads(request(f"{server.url}/openapi.json", keep=1_000_000).body)


READING = [
    "/posts/export.csv",
    "/posts/export.json",
    "/posts/export.ndjson",
    "/posts/since.txt",
    "/stats/tag-counts",
]


def variants_of(paths, path):
    """Return the paths that serve the variants of one path."""
    return [p for p in paths if p == path or p.split("/", 2)[2:] == [path[1:]]]


@pytest.mark.parametrize("path", READING)
def test_every_variant_sends_the_same_bytes(get, document, path):
    every = variants_of(document["paths"], path)
    received = {p: get(f"{p}?rows=3000") for p in every}
    assert len(received) >= 3
    assert {one.status for one in received.values()} == {200}
    assert all(one.complete for one in received.values())
    assert len({one.digest for one in received.values()}) == 1, received.keys()


@pytest.mark.slow
def test_100_000_rows_are_the_same_bytes_and_parse_back(get):
    naive = get("/naive/posts/export.csv?rows=100000", keep=100_000_000)
    streamed = get("/posts/export.csv?rows=100000", keep=100_000_000)
    assert naive.digest == streamed.digest
    rows = list(csv.reader(io.StringIO(streamed.body.decode(), newline="")))
    with posts(rows=100_000) as db:
        there = db.connection().exec_driver_sql(
            "select p.id::text, title, coalesce(name, ''), view_count::text from posts p"
            " left join authors a on a.id = author_id order by p.id"
        )
        assert [row[:4] for row in rows[1:]] == [list(row) for row in there]


@pytest.mark.full
def test_100_000_rows_are_the_same_bytes_from_the_trap_too(get):
    """It sends a statement for nearly each of them."""
    digests = {get(f"{role}/posts/export.csv?rows=100000").digest for role in ("", "/trap")}
    assert len(digests) == 1


def test_a_file_for_a_spreadsheet_has_no_formulas():
    buffer = io.StringIO()
    writer = SheetWriter(buffer)
    writer.writerow([1, "=1+1", "+1", "-1", "@x", "\tx", "plain", -5])
    assert next(csv.reader(io.StringIO(buffer.getvalue()))) == [
        "1", "'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain", "-5",
    ]  # fmt: skip


def test_the_best_variant_has_no_prefix_and_is_described_by_its_docstring(document):
    described = document["paths"]["/posts/export.csv"]["get"]
    assert described["summary"] == CSV_EXPORT.recommended.label
    assert set(described["responses"]) >= {"200", "401", "403", "422", "503"}
    assert "text/csv" in described["responses"]["200"]["content"]


@pytest.mark.parametrize("path", [*READING, "/downloads/x", "/naive/posts/export.csv"])
def test_without_a_token_401_and_without_the_right_403(get, path):
    missing = get(path, headers={})
    assert missing.status == 401
    assert missing.headers["www-authenticate"] == "Bearer"
    assert get(path, headers={"Authorization": "Bearer nonsense"}).status == 401
    assert get(path, headers={"Authorization": f"Bearer {token(False)}"}).status == 403


@pytest.mark.parametrize("rows", ["-1", "1e9", "many", "1000001", "9" * 30, "1.5", ""])
@pytest.mark.parametrize("path", READING)
def test_a_number_of_rows_that_makes_no_sense_is_422(get, path, rows):
    assert get(f"{path}?rows={rows}").status == 422


@pytest.mark.parametrize("batch", ["0", "-1", "100001", "x"])
def test_a_batch_that_makes_no_sense_is_422(get, batch):
    assert get(f"/posts/export.csv?batch={batch}").status == 422


def test_no_rows_are_a_header(get):
    assert get("/posts/export.csv?rows=0").body == b"id,title,author,views,created_at\n"


def test_nothing_since_then_is_404_but_in_the_trap(get):
    never = "since=2100-01-01T00:00:00Z"
    for role in ("", "/naive", "/streaming"):
        assert get(f"{role}/posts/since.txt?{never}").status == 404
    late = get(f"/trap/posts/since.txt?{never}")
    assert late.status == 200
    assert not late.complete


@pytest.mark.parametrize("role", ["", "/naive", "/streaming", "/tuned"])
def test_a_file_arrives_whole(get, role):
    size = download_file(1_000_000).stat().st_size
    received = get(f"{role}/downloads/download-1000000.bin")
    assert (received.status, received.length, received.complete) == (200, size, True)
    assert received.headers["content-length"] == str(size)


@pytest.fixture
def odd_files():
    """Entries in the folder that are not files to send."""
    made = [folder() / name for name in ("a-link.bin", "a-folder", "a-pipe")]
    os.symlink("/etc/passwd", made[0])
    made[1].mkdir()
    os.mkfifo(made[2])
    yield
    made[0].unlink()
    made[1].rmdir()
    made[2].unlink()


@pytest.mark.parametrize(
    "name",
    ["..", ".", "%2e%2e", "..%2fsecret", "missing.bin", "a-link.bin", "a-folder", "a-pipe",
     "x" * 300, "%00", "%FF", "a%0d%0aSet-Cookie:x", ".hidden", "%22"],
)  # fmt: skip
@pytest.mark.parametrize("role", ["", "/streaming"])
def test_what_is_no_file_of_the_folder_is_404(get, odd_files, role, name):
    assert get(f"{role}/downloads/{name}").status == 404


@pytest.mark.parametrize("role", ["", "/streaming"])
def test_any_name_of_a_file_can_be_offered(get, role):
    path = folder() / 'Łódź "1".bin'
    path.write_bytes(b"x" * 10)
    try:
        received = get(f"{role}/downloads/%C5%81%C3%B3d%C5%BA%20%221%22.bin")
        assert (received.status, received.body) == (200, b"x" * 10)
        assert "filename*=utf-8''" in received.headers["content-disposition"]
    finally:
        path.unlink()


def test_a_file_that_shrinks_while_it_is_sent_is_not_taken_for_whole(server):
    path = folder() / "shrinks.bin"
    path.write_bytes(bytes(50_000_000))
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", f"/streaming/downloads/{path.name}", headers=ALLOWED)
        response = connection.getresponse()
        assert (response.status, len(response.read(65_536))) == (200, 65_536)
        os.truncate(path, 20_000_000)  # the server is a few megabytes ahead of us, no more
        with pytest.raises(IncompleteRead):
            response.read()
    finally:
        connection.close()
        path.unlink()
