"""A server under measurement: a fresh one for each point, its clients in another process."""

import re
import sys

import pytest

import lab
from lab.data.seed import build
from lab.endpoints.tokens import token
from lab.errors import LabError
from lab.measure.http.body import Body
from lab.measure.http.endpoint import Endpoint
from lab.measure.schedule import Schedule
from lab.net.server import running

linux = pytest.mark.skipif(sys.platform != "linux", reason="child processes are seen in /proc")

APP = "tests.measure.measured_app:app"
SIZES = lab.doubling(20_000, 320_000)


def sweep(request, axis="n", sizes=SIZES, app=APP, **more):
    return lab.sweep(
        Endpoint.parse(request, app, **more), axis, sizes, schedule=Schedule(parallel=1)
    )


def test_a_server_that_keeps_100_bytes_of_each_item_grows_by_100():
    curve = sweep("GET /kept?n={n}")
    found = lab.verdict(curve, lab.O(1))
    assert found.finding == "broken"
    assert 90 <= found.growth.per_item <= 110
    assert [point.counts["bytes"] for point in curve.points] == [7, 7, 7, 8, 8]


def test_work_after_the_answer_is_part_of_a_request():
    small, large = sweep("GET /later?n={n}", sizes=(1_000, 100_000)).points
    assert large.peak_heap_bytes - small.peak_heap_bytes > 9_500_000


@linux
def test_child_processes_of_a_server_count():
    curve = sweep("GET /child?n={n}", sizes=(20_000, 200_000))
    rise = curve.points[1].elsewhere.children - curve.points[0].elsewhere.children
    assert 20_000_000 < rise < 60_000_000
    assert "python" in curve.points[1].elsewhere.commands


@linux
def test_a_copy_of_a_server_does_not_hold_up_the_end_of_its_measurement():
    schedule = Schedule(parallel=1, timeout=30)
    endpoint = Endpoint.parse("GET /worker?n={n}", APP)
    assert lab.sweep(endpoint, sizes=(10,), schedule=schedule).points[0].error is None


@pytest.mark.parametrize(
    ("request_", "app", "says"),
    [
        (
            "GET /fails?n={n}",
            "silent",
            "the answer was 500: Internal Server Error (ValueError: no s",
        ),
        ("GET /x?n={n}", "refused", "refused did not start: no database at db:5432"),
    ],
)
def test_what_an_application_says_of_its_failure_is_said(request_, app, says):
    with pytest.raises(LabError, match=re.escape(says)):
        sweep(request_, sizes=(10,), app=f"tests.measure.measured_app:{app}")


def test_an_application_that_silences_the_loggers_is_served():
    with running("tests.measure.measured_app:silent") as server:
        assert server.lives


def test_a_server_that_streams_is_flat():
    sizes = lab.doubling(80_000, 1_280_000)
    assert lab.verdict(sweep("GET /streamed?n={n}", sizes=sizes), lab.O(1)).finding == "kept"


@pytest.mark.slow
def test_a_body_is_sent_at_the_size_that_is_measured():
    kept = sweep(
        "POST /body", body=Body("bytes"), axis="bytes", sizes=lab.doubling(500_000, 8_000_000)
    )
    assert lab.verdict(kept, lab.O("bytes")).finding == "kept"
    rows = sweep("POST /body", body=Body("rows"), sizes=(100, 200))
    assert rows.points[1].counts["bytes"] > rows.points[0].counts["bytes"]


@pytest.mark.slow
def test_clients_can_be_the_axis():
    curve = sweep("GET /held", axis="clients", sizes=(1, 2, 4, 8, 16))
    found = lab.verdict(curve, lab.O("clients"))
    assert found.finding == "kept"
    assert found.growth.per_item > 1_000_000


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/missing?n={n}", "the answer was 404"),
        ("/moved?n={n}", "the answer was 307: /elsewhere"),
        ("/breaks?n={n}", "broke off"),
        ("/random?n={n}", "different answers"),
    ],
)
def test_an_answer_that_is_wrong_is_said(path, says):
    with pytest.raises(LabError, match=says):
        sweep(f"GET {path}", sizes=(10, 20), clients=2)


@pytest.mark.parametrize(
    ("request_", "more", "says"),
    [
        ("/x?n={n}", {}, "is not a request"),
        ("GET x", {}, "is not a request"),
        ("FETCH /x", {}, "is not a request"),
        ("GET /x", {}, "depends on the size"),
        ("GET /x?n={n}", {"axis": "clients"}, "takes it as well"),
        ("GET /x?n={n}", {"headers": ["no colon"]}, "is not a header"),
        ("GET /x?n={n}", {"app": "tests.measure.measured_app:nothing"}, "has no 'nothing'"),
        ("GET /x?n={n}", {"app": "tests.measure.measured_app:broken"}, "did not start"),
    ],
)
def test_a_question_that_cannot_be_asked_is_said(request_, more, says):
    with pytest.raises(LabError, match=says):
        sweep(request_, sizes=(10, 20), **more)


def full(*values):
    return pytest.param(*values, marks=pytest.mark.full)


@pytest.mark.slow
@pytest.mark.usefixtures("whole_table")
@pytest.mark.parametrize(
    ("path", "claim", "sizes"),
    [
        ("/streaming/posts/export.csv", lab.O(1), lab.doubling(16_000, 256_000)),
        ("/naive/posts/export.csv", lab.O("rows"), lab.doubling(1_000, 16_000)),
        full("/streaming/posts/export.json", lab.O(1), lab.doubling(16_000, 256_000)),
        full("/naive/posts/export.json", lab.O("rows"), lab.doubling(1_000, 16_000)),
        full("/streaming/posts/since.txt", lab.O(1), lab.doubling(16_000, 256_000)),
        full("/naive/posts/since.txt", lab.O("rows"), lab.doubling(1_000, 16_000)),
        full("/streaming/stats/tag-counts", lab.O(1), lab.doubling(16_000, 256_000)),
        full("/naive/stats/tag-counts", lab.O("rows"), lab.doubling(1_000, 16_000)),
        full("/streaming/posts/export.zip", lab.O(1), lab.doubling(16_000, 256_000)),
        full(
            "/naive/posts/export.zip",
            lab.O("rows"),
            (64_000, 112_000, 160_000, 208_000, 256_000),
        ),
        full("/streaming/posts/report.pdf", lab.O(1), lab.doubling(16_000, 256_000)),
        full("/naive/posts/report.pdf", lab.O("rows"), lab.doubling(2_000, 32_000)),
    ],
)
def test_the_lessons_endpoints_keep_their_claims_on_a_server(path, claim, sizes):
    curve = sweep(
        f"GET {path}?rows={{n}}", "rows", sizes, "lab.web.app:app", headers=[_authorization()]
    )
    found = lab.verdict(curve, claim)
    assert found.finding == "kept", found.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "claim", "sizes"),
    [
        pytest.param(
            "streaming", lab.O(1), lab.doubling(120_000, 1_920_000), marks=pytest.mark.full
        ),
        ("naive", lab.O("rows"), lab.doubling(8_000, 128_000)),
    ],
)
def test_imports_keep_their_claims_on_a_server(own_schema, role, claim, sizes):
    """The users of earlier points are there already: each row is counted as a duplicate."""
    build(own_schema, 1)
    curve = sweep(
        f"POST /{role}/users/import",
        "rows",
        sizes,
        "lab.web.app:app",
        headers=[_authorization()],
        body=Body("rows"),
    )
    found = lab.verdict(curve, claim)
    assert found.finding == "kept", found.reason


@pytest.mark.slow
@pytest.mark.parametrize("role", ["streaming", "naive"])
def test_downloads_keep_their_claims_on_a_server(role, whole_table):
    """Sent whole, a file is in memory three times: read, framed, and waiting for the socket.

    Of smaller files the socket's own buffer takes most at once.
    """
    from lab.data.files import download_file

    sizes = lab.doubling(8_000_000, 128_000_000)
    for size in (*sizes, 1_000_000):
        download_file(size)
    curve = sweep(
        f"GET /{role}/downloads/download-{{n}}.bin",
        "bytes",
        sizes,
        "lab.web.app:app",
        headers=[_authorization()],
    )
    claim = lab.O("bytes") if role == "naive" else lab.O(1)
    found = lab.verdict(curve, claim)
    assert found.finding == "kept", found.reason
    if role == "streaming":
        assert found.growth.per_item < 1 / 1024, "a byte for each KiB of the file"


def _authorization():
    return f"Authorization: Bearer {token()}"
