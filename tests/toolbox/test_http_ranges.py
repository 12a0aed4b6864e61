"""Ranges of a file: what a client may request, and what a real server sends."""

import os

import pytest

from lab.data.files import download_file
from lab.endpoints.tokens import token
from lab.net.client import request
from lab.net.server import running
from lab.toolbox.http_ranges import NotSatisfiableError, one_range, still_meant, validators

ALLOWED = {"Authorization": f"Bearer {token()}"}
SIZE = 3_000_000
ALL = None


@pytest.mark.parametrize(
    ("header", "size", "part"),
    [
        ("bytes=0-0", 100, range(1)),
        ("bytes=0-", 100, range(100)),
        ("bytes=10-19", 100, range(10, 20)),
        ("bytes=10-19", 15, range(10, 15)),
        ("bytes=99-", 100, range(99, 100)),
        ("bytes=-1", 100, range(99, 100)),
        ("bytes=-500", 100, range(100)),
        ("BYTES= 1-2 ", 100, range(1, 3)),
        ("bytes=0-999999999999999999", 100, range(100)),
        (None, 100, ALL),
        ("", 100, ALL),
        ("bytes=-", 100, ALL),
        ("bytes=5-4", 100, ALL),
        ("bytes=500-400", 100, ALL),
        ("bytes=0-1,5-6", 100, ALL),
        ("bytes=a-b", 100, ALL),
        ("bytes=1", 100, ALL),
        ("bytes=+1-2", 100, ALL),
        ("bytes=--2", 100, ALL),
        ("bytes=\u0661-\u0662", 100, ALL),
        ("bytes=0-" + "9" * 5_000, 100, ALL),
        ("rows=0-1", 100, ALL),
        ("bytes=-5", 0, ALL),
    ],
)
def test_what_a_range_means(header, size, part):
    assert one_range(header, size) == part


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_without_a_byte_cannot_be_satisfied(header, size):
    with pytest.raises(NotSatisfiableError):
        one_range(header, size)


def test_a_file_that_has_changed_is_another_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    before = validators(path.stat())
    assert still_meant(None, before)
    assert still_meant(before["etag"], before)
    assert still_meant(before["last-modified"], before)
    assert not still_meant(f"W/{before['etag']}", before)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert not still_meant(before["etag"], validators(path.stat()))


@pytest.fixture(scope="module")
def server(whole_table):
    download_file(SIZE)
    with running("lab.web.app:app") as server:
        yield server


@pytest.fixture
def get(server):
    def send(role="", method="GET", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"{server.url}{role}/downloads/download-{SIZE}.bin"
        return request(path, method, {**ALLOWED, **named}, keep=SIZE)

    return send


@pytest.fixture(scope="module")
def content(whole_table):
    return download_file(SIZE).read_bytes()


@pytest.mark.parametrize("role", ["", "/streaming", "/tuned"])
@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=10-19", 10, 19),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        ("bytes=1000001-", 1_000_001, SIZE - 1),
        (f"bytes=5-{SIZE * 2}", 5, SIZE - 1),
    ],
)
def test_a_range_is_sent_as_requested(get, content, role, header, first, last):
    received = get(role, Range=header)
    assert (received.status, received.complete) == (206, True)
    assert received.body == content[first : last + 1]
    assert received.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert received.headers["content-length"] == str(last + 1 - first)


@pytest.mark.parametrize("role", ["", "/streaming"])
def test_a_download_that_was_cut_off_goes_on_where_it_was(get, content, role):
    whole = get(role)
    assert whole.headers["accept-ranges"] == "bytes"
    tag, day = whole.headers["etag"], whole.headers["last-modified"]
    for known in (tag, day):
        rest = get(role, Range="bytes=2000000-", If_Range=known)
        assert (rest.status, rest.body) == (206, content[2_000_000:])
    for other in ('"another"', f"W/{tag}", "Thu, 01 Jan 1970 00:00:00 GMT"):
        again = get(role, Range="bytes=2000000-", If_Range=other)
        assert (again.status, again.digest) == (200, whole.digest)


@pytest.mark.parametrize("role", ["", "/streaming"])
def test_a_range_past_the_end_is_416_and_says_how_long_the_file_is(get, role):
    received = get(role, Range=f"bytes={SIZE}-")
    assert received.status == 416
    assert received.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "nonsense", "bytes=5-4"])
def test_what_is_not_one_range_gets_the_whole_file(get, content, header):
    received = get(Range=header)
    assert (received.status, received.body == content) == (200, True)
    assert "content-range" not in received.headers


@pytest.mark.parametrize("role", ["", "/streaming"])
def test_head_says_what_get_would_and_sends_nothing(get, role):
    for header in ({}, {"Range": "bytes=10-19"}, {"Range": f"bytes={SIZE}-"}):
        got, headed = get(role, **header), get(role, method="HEAD", **header)
        assert headed.status == got.status
        assert headed.body == b""
        for name in set(got.headers) - {"date", "transfer-encoding"}:
            assert headed.headers.get(name) == got.headers[name], name


def test_file_response_sends_several_ranges_and_refuses_nonsense(get, content):
    several = get("/streaming", Range="bytes=0-1,5-6")
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert content[5:7] in several.body
    assert get("/streaming", Range="nonsense").status == 400


def test_a_file_that_is_read_whole_offers_no_ranges(get):
    received = get("/naive", Range="bytes=10-19")
    assert (received.status, received.length) == (200, SIZE)
    assert received.headers["accept-ranges"] == "none"


def test_without_a_token_nothing_is_said_of_the_file(server):
    path = f"{server.url}/downloads/download-{SIZE}.bin"
    for method in ("GET", "HEAD"):
        assert request(path, method, {"Range": "bytes=0-0"}).status == 401
