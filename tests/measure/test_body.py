"""Bodies of requests: what is sent, its type, and how much of it the server took."""

import json

import psutil
import pytest

import lab
from lab.errors import LabError
from lab.measure.http.body import Body
from lab.measure.http.endpoint import Endpoint
from lab.measure.schedule import Schedule
from lab.net.client import request
from lab.net.server import running

APP = "tests.measure.measured_app:app"


def counts(text, body, sizes, **more):
    endpoint = Endpoint.parse(text, APP, body=body, **more)
    curve = lab.sweep(endpoint, "n", sizes, schedule=Schedule(parallel=1))
    return [dict(point.counts) for point in curve.points]


def test_a_json_body_has_the_size_in_it():
    found = counts("POST /json", Body("json", '{"rows": {n}, "of": "{n}"}'), [20, 400])
    assert [each["bytes"] for each in found] == [20, 400]
    assert [each["sent"] for each in found] == [len('{"rows": 20, "of": "20"}'), 28 - 2]


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        (Body("json", "[{n}]"), [], "application/json"),
        (Body("json", "[{n}]"), ["content-type: application/x-own"], "application/x-own"),
        pytest.param(Body("file", "orders-{n}.csv"), [], "text/csv", marks=pytest.mark.slow),
        pytest.param(
            *(Body("file", "orders-{n}.xyz1"), [], "application/octet-stream"),
            marks=pytest.mark.slow,
        ),
        (Body("rows"), [], "multipart/form-data; boundary=----memory-lab"),
    ],
)
def test_the_type_is_guessed_unless_a_header_has_it(tmp_path, monkeypatch, body, headers, kind):
    monkeypatch.chdir(tmp_path)
    for suffix in ("csv", "xyz1"):
        (tmp_path / f"orders-7.{suffix}").write_text("a,b\n")
    assert counts("POST /type", body, [7], headers=headers)[0]["bytes"] == len(kind)


def test_a_file_is_sent_for_each_size_and_the_smallest_for_the_warm_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    body = Body("file", "{n}/orders-{n}.json")
    for size in (10, 400, 6_000):
        (tmp_path / str(size)).mkdir()
        (tmp_path / str(size) / f"orders-{size}.json").write_text(json.dumps({"rows": size}))
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "orders-8.json").write_text("not a pair")
    assert [body.warm_size(size, 1) for size in (10, 400, 6_000)] == [10, 10, 10]
    assert [each["bytes"] for each in counts("POST /json", body, [400, 6_000])] == [400, 6_000]


def test_no_larger_size_is_tried_than_there_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = [100, 200, 400, 800, 1_600]
    for size in sizes:
        (tmp_path / f"orders-{size}.json").write_text(json.dumps({"rows": size}))
    endpoint = Endpoint.parse("POST /json", APP, body=Body("file", "orders-{n}.json"))
    curve = lab.sweep(endpoint, "n", sizes, schedule=Schedule(parallel=1), claim=lab.O(1))
    assert [point.size for point in curve.points] == sizes


def test_a_missing_file_is_one_sentence_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders-10.json").write_text('{"rows": 10}')
    endpoint = Endpoint.parse("POST /json", "no.such:app", body=Body("file", "orders-{n}.json"))
    with pytest.raises(LabError, match=r"at 20 is the file orders-20\.json, which cannot be read"):
        lab.sweep(endpoint, "n", [10, 20])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"counted": "rows", "file": "x"}, "a request has one body"),
        ({"json_text": "1", "file": "x"}, "a request has one body"),
        ({"field": "csv"}, "a field is the field of an uploaded CSV"),
        ({"field": "csv", "json_text": "1"}, "a field is the field of an uploaded CSV"),
        ({"json_text": "{n"}, "'{n' is not JSON with a number for {n}"),
        ({"counted": "lines"}, 'counts "rows" or "bytes", not \'lines\''),
    ],
)
def test_bodies_that_cannot_be_are_refused(given, says):
    with pytest.raises(LabError, match=says):
        Body.of(**given)


@pytest.mark.parametrize(
    ("body", "grows"),
    [
        (Body("rows"), True),
        (Body("json", "[{n}]"), True),
        (Body("file", "orders-{n}.json"), True),
        (Body("json", "[1]"), False),
        (Body("file", "orders.json"), False),
        (None, False),
    ],
)
def test_the_size_must_be_in_the_request_and_for_clients_must_not(body, grows):
    endpoint = Endpoint.parse("POST /json", APP, body=body)
    fits, says = ("n", "takes it as well") if grows else ("clients", "depends on the size")
    endpoint.require_axis(fits)
    with pytest.raises(LabError, match=says):
        endpoint.require_axis("clients" if grows else "n")


def test_the_client_keeps_no_large_file_in_memory(tmp_path):
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(200_000_000)
    headers, blocks = Body("file", str(large)).opened(1, measured=False)
    before = psutil.Process().memory_info().rss
    with running("tests.measure.wsgi_app:wsgi") as server:
        answer = request(server.url, "POST", headers, blocks)
    assert (answer.status, answer.sent) == (200, 200_000_000)
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_what_was_sent_ends_with_the_answer():
    endless = iter(lambda: bytes(65_536), b"")
    with running(APP) as server:
        answer = request(f"{server.url}/refuses", "POST", body=endless, timeout=20)
        assert (answer.status, answer.body) == (200, b"ok")
        whole = request(f"{server.url}/body", "POST", body=iter([b"x" * 300, b"", b"y" * 200]))
    assert (whole.body, whole.sent) == (b"xxxxx", 500)


def test_an_error_of_the_body_is_raised_and_the_server_does_not_wait_for_the_rest():
    def breaks():
        yield b"x" * 10
        raise OSError("the file is gone")

    with running(APP) as server, pytest.raises(OSError, match="the file is gone"):
        request(f"{server.url}/body", "POST", body=breaks(), timeout=20)
