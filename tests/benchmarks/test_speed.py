"""The benchmarks: their report, alternating rounds, clients that check answers, and limits."""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.fetch import FetchError, _Chunks, fetch
from benchmarks.report import readme
from benchmarks.report.comparisons import Compared, read, slug, suites
from benchmarks.report.generated_parts import same_but_for_numbers
from benchmarks.report.speed import over_http, parts, print_report, summary
from benchmarks.report.speed_plot import plot
from benchmarks.suite import Suite, sent
from lab.errors import LabError
from lab.patterns import PATTERNS
from lab.patterns.shared.user_import import Report
from lab.report.terminal import console
from lab.units import show_ratio

SLOW = Compared(
    suite="exports",
    variant="one_string",
    role="naive",
    axis="rows",
    size=1_000,
    clients=0,
    limit="psql \\copy",
    ratio=31.4,
    seconds=0.5,
    sent=60_000,
    heap=3_000_000,
    rss=4_000_000,
    growth=((100, 0.1), (200, 0.2), (400, 0.8)),
    tenth=False,
    where="CPython 3.11 on Linux",
)
FAST = replace(
    SLOW, variant="copy_chunks", role="tuned", size=10_000, ratio=1.02, sent=600_000, heap=70_000
)
OVER_HTTP = replace(FAST, suite="exports, HTTP", clients=8, heap=None, growth=())


def answering(answer):
    """Serve one connection: read the request's head, send an answer, close."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, listener:
            connection.recv(65_536)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("answer", "sent_bytes"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", 5),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n", 5),
    ],
)
def test_a_whole_answer_is_counted(answer, sent_bytes):
    assert fetch(answering(answer)) == sent_bytes


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", "broke off"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "503"),
        (b"", "no answer"),
    ],
)
def test_a_benchmark_fails_on_an_answer_that_is_not_whole(answer, complaint):
    """Half an export in half the time is not faster."""
    with pytest.raises(FetchError, match=complaint):
        fetch(answering(answer))


def test_frames_of_chunks_are_not_counted_wherever_they_are_cut():
    body = b"5\r\n12345\r\n" + b"a\r\n" + bytes(10) + b"\r\n0\r\n\r\n"
    for step in range(1, len(body)):
        counted = _Chunks()
        for start in range(0, len(body), step):
            piece = body[start : start + step]
            counted.feed(piece, len(piece))
        assert (counted.length, counted.ended) == (15, True)


def test_a_page_is_not_written_from_a_part_of_the_benchmarks(tmp_path, monkeypatch):
    page = tmp_path / "speed.md"
    page.write_text("<!-- generated: speed: exports -->\nold\n<!-- end -->\n")
    monkeypatch.setattr(readme, "SPEED", page)
    readme._check_all_measured(page, {"speed: exports": "new"})
    with pytest.raises(LabError, match="speed: exports was not measured: run all of `make bench`"):
        readme._check_all_measured(page, {"speed: rows": "new"})


def test_every_pattern_is_compared_and_written_about():
    page = Path("docs/speed.md").read_text()
    for pattern in PATTERNS:
        module = import_module(f"benchmarks.test_{pattern.name}")
        pattern_suites = [value for value in vars(module).values() if isinstance(value, Suite)]
        assert pattern_suites, pattern.name
        for suite in pattern_suites:
            assert f"<!-- generated: speed: {slug(suite.title)} -->" in page


def test_what_a_variant_sends_is_counted_in_bytes():
    assert sent(iter([b"12", "ä"])) == 4

    @contextmanager
    def block():
        yield ["12"]

    assert sent(block()) == 2
    assert sent(Report()) == 0
    assert sent([("tag", 3)]) == 0


@pytest.fixture(scope="module")
def measured(tmp_path_factory, whole_table):
    """A folder with the result of one real comparison, at a tenth of its size."""
    folder = tmp_path_factory.mktemp("bench")
    command = "-m pytest benchmarks/test_lazy_cursor.py -k result_itself --tenth -q"
    options = ["-p", "no:cacheprovider", "--benchmark-json", str(folder / "bench.json")]
    # pytest-benchmark is off in a worker of pytest-xdist, which it knows by these variables.
    environment = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    done = subprocess.run(
        [sys.executable, *command.split(), *options],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_comparison_has_what_the_report_needs(measured):
    (comparison,) = read(measured)
    assert (comparison.suite, comparison.variant, comparison.role) == (
        "lazy_cursor",
        "result_itself",
        "streaming",
    )
    assert (comparison.limit, comparison.axis, comparison.size) == ("psql \\copy", "rows", 2_000)
    assert comparison.tenth
    assert comparison.seconds == pytest.approx(statistics.median(round_seconds(measured)))
    assert 10_000 < comparison.heap < 5_000_000
    assert len(comparison.growth) == len(comparison.costs) == 5


def round_seconds(measured):
    (benchmark,) = json.loads((measured / "bench.json").read_text())["benchmarks"]
    return benchmark["stats"]["data"]


def test_the_limit_is_run_before_each_round(measured):
    (benchmark,) = json.loads((measured / "bench.json").read_text())["benchmarks"]
    assert len(benchmark["extra_info"]["limit_seconds"]) == benchmark["stats"]["rounds"] >= 3


@pytest.mark.slow
def test_a_wrong_answer_fails_the_benchmark(measured, monkeypatch):
    """Each variant must have the digest of the recommended one's answer."""
    from benchmarks import compare as harness
    from benchmarks.test_lazy_cursor import SUITE
    from lab.measure.schedule import Bench

    monkeypatch.setitem(harness._answers, (SUITE.title, 500), "another digest")
    with Bench(2) as bench, pytest.raises(AssertionError):
        harness.Compare(None, bench, tenth=True)(
            replace(SUITE, streaming=5_000), SUITE.pattern["result_itself"]
        )


def test_a_folder_without_comparisons_is_an_error(tmp_path):
    with pytest.raises(LabError, match="make bench"):
        read(tmp_path)
    (tmp_path / "bench.json").write_text("{")
    with pytest.raises(LabError, match="cannot read"):
        read(tmp_path)


def test_costs_are_per_item():
    assert SLOW.costs == pytest.approx([1, 1, 2])


def test_the_report_has_a_line_for_each_comparison(capsys):
    print_report(console(), [SLOW, FAST, OVER_HTTP])
    lines = capsys.readouterr().out.splitlines()
    (slow,) = (line for line in lines if "one_string" in line)
    assert slow.split()[:2] == ["one_string", "naive"]
    assert {"31", "120", "kB/s", "3.00", "4.00", "2.0"} <= set(slow.split())
    assert any("8 x copy_chunks" in line for line in lines)


def test_the_documents_show_ratios_sizes_and_memory():
    contents = parts([SLOW, FAST, OVER_HTTP])
    assert set(contents) == {"speed: exports", "speed: exports-http", "costs"}
    line = "| `copy_chunks` (tuned) | 10,000 rows | 1.0 x | 31 x as fast | 1.20 MB/s |"
    assert line in contents["speed: exports"]
    assert "| exports | `one_string` | 100 | 1.0 | 2.0 |" in contents["costs"]
    table = summary([SLOW, FAST, OVER_HTTP, replace(OVER_HTTP, clients=1, ratio=1.7)])
    naive, tuned = "31 x, 3.00 MB (at 1,000)", "1.0 x, 70.0 kB"
    assert f"| exports, 10,000 rows | `psql \\copy` | {naive} |  | {tuned} |" in table
    assert table.splitlines()[2].endswith("| 1.7 x, 4.00 MB |")
    assert "| exports, HTTP | `psql \\copy` | tuned | 10,000 rows | 8 |" in over_http([OVER_HTTP])


def test_a_line_is_current_if_only_numbers_differ():
    line = "| `copy_chunks` (tuned) | 10,000 rows | 1.0 x | 70.0 kB |"
    assert same_but_for_numbers(line, "| `copy_chunks` (tuned) | 9 rows | 2 x | 1.2 MB |")
    assert not same_but_for_numbers(line, line.replace("tuned", "naive"))


def test_each_dot_has_its_label_and_the_picture_a_description():
    svg = plot("exports", [SLOW, FAST])
    assert "one_string (1,000 rows)" in svg
    assert ">copy_chunks<" in svg
    assert "copy_chunks takes 1.0 times as long, and 70.0 kB" in svg
    assert svg.count(">naive<") == 1


def test_suites_are_sorted_and_their_variants_are_not():
    by_suite = suites([OVER_HTTP, SLOW, FAST])
    assert list(by_suite) == ["exports", "exports, HTTP"]
    assert by_suite["exports"] == [SLOW, FAST]
    assert slug("exports, HTTP") == "exports-http"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(0.125, "0.12"), (0.999, "1.0"), (1.04, "1.0"), (31.4, "31"), (1234, "1,234")],
)
def test_ratios_are_shown_in_two_figures(ratio, shown):
    assert show_ratio(ratio) == shown
