"""The benchmarks' report, and what it rests on: rounds in turns, clients that look, limits."""

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
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from benchmarks.fetch import FetchError, _Chunks, fetch
from benchmarks.files import sent_by_the_kernel
from benchmarks.limit import at_once
from benchmarks.psql import Psql, copied_in, copied_out, first_posts, sql
from benchmarks.suite import Suite, sent
from lab.data.database import database
from lab.data.files import download_file, users_csv
from lab.data.models import Post
from lab.data.seed import build, drop
from lab.data.worlds import posts
from lab.errors import LabError
from lab.patterns import PATTERNS
from lab.patterns.csv_export import copy_chunks, joined_columns
from lab.patterns.csv_upload import Report
from lab.patterns.tag_counts import most_frequent
from lab.report import readme
from lab.report.comparisons import Compared, read, slug, suites
from lab.report.parts import same_but_for_numbers
from lab.report.speed import over_http, parts, print_report, summary
from lab.report.speed_plot import plot
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
    """Half an export in half the time is no speed."""
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
    readme._whole(page, {"speed: exports": "new"})
    with pytest.raises(LabError, match="speed: exports was not measured: run `make bench` whole"):
        readme._whole(page, {"speed: rows": "new"})


def test_every_pattern_is_compared_and_written_about():
    page = Path("docs/speed.md").read_text()
    for pattern in PATTERNS:
        suite = import_module(f"benchmarks.test_{pattern.name}")
        suites_of = [one for one in vars(suite).values() if isinstance(one, Suite)]
        assert suites_of, pattern.name
        for one in suites_of:
            assert f"<!-- generated: speed: {slug(one.title)} -->" in page


def test_what_a_variant_sends_is_counted_in_bytes():
    assert sent(iter([b"12", "ä"])) == 4

    @contextmanager
    def block():
        yield ["12"]

    assert sent(block()) == 2
    assert sent(Report()) == 0
    assert sent([("tag", 3)]) == 0


def test_psql_says_what_the_server_refuses(whole_table):
    with (
        database() as engine,
        Psql(engine) as psql,
        pytest.raises(RuntimeError, match="no_such_table"),
    ):
        psql.run("select * from no_such_table;")


def test_a_limit_writes_what_the_variant_sends(whole_table, tmp_path):
    """A limit that copied less would make everybody slow."""
    target = tmp_path / "posts.csv"
    query, options = first_posts(joined_columns()), "format csv, header"
    with copied_out(query, options, str(target))(500) as limit, posts(500) as db:
        limit.seconds()
        assert target.read_bytes() == b"".join(copy_chunks(db))


def test_a_limit_of_imports_loads_every_row(whole_table, monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
    file = users_csv(50_000, clean=True)
    with database() as engine:
        build(engine, 1)
        with copied_in(lambda _: file, temporary=False)(50_000) as limit:
            limit.seconds()
            limit.seconds()
        with engine.connect() as connection:
            held = connection.execute(text("select count(*) from users")).scalar_one()
        drop(engine)
    assert held == len(file.read_text().splitlines()) - 1


def test_sql_sees_the_first_rows_alone(whole_table, monkeypatch):
    run, asked = Psql.run, []

    def noted(self, command):
        asked.append(command)
        run(self, command)

    monkeypatch.setattr(Psql, "run", noted)
    with sql(most_frequent())(700) as limit:
        limit.seconds()
    assert "where id <= 700" in asked[1]
    assert asked[2].startswith("SELECT")


def test_a_refused_limit_ends_the_benchmark(whole_table):
    wrong = copied_out(first_posts(select(Post.id)), "format nonsense")
    with wrong(10) as limit, pytest.raises(RuntimeError, match="nonsense"):
        limit.seconds()


def test_a_file_is_sent_by_the_kernel_to_many_at_once():
    download_file(1_000_000)
    with at_once(sent_by_the_kernel, 3)(1_000_000) as limit:
        assert limit.name == "sendfile"
        limit.seconds()  # a client would raise at anything but the whole file


@pytest.fixture(scope="module")
def measured(tmp_path_factory, whole_table):
    """A folder with what one real comparison found, at a tenth of its size."""
    folder = tmp_path_factory.mktemp("bench")
    command = "-m pytest benchmarks/test_lazy_cursor.py -k result_itself --tenth -q"
    options = ["-p", "no:cacheprovider", "--benchmark-json", str(folder / "bench.json")]
    # In a worker of xdist pytest-benchmark is off, and it knows one by these.
    alone = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    done = subprocess.run(
        [sys.executable, *command.split(), *options],
        capture_output=True,
        text=True,
        check=False,
        env=alone,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_comparison_holds_what_the_report_needs(measured):
    (found,) = read(measured)
    assert (found.suite, found.variant, found.role) == ("lazy_cursor", "result_itself", "streaming")
    assert (found.limit, found.axis, found.size) == ("psql \\copy", "rows", 2_000)
    assert found.tenth
    assert found.seconds == pytest.approx(statistics.median(found_rounds(measured)))
    assert 10_000 < found.heap < 5_000_000
    assert len(found.growth) == len(found.costs) == 5


def found_rounds(measured):
    (benchmark,) = json.loads((measured / "bench.json").read_text())["benchmarks"]
    return benchmark["stats"]["data"]


def test_the_limit_is_run_before_each_round(measured):
    (benchmark,) = json.loads((measured / "bench.json").read_text())["benchmarks"]
    assert len(benchmark["extra_info"]["limit_seconds"]) == benchmark["stats"]["rounds"] >= 3


def test_a_wrong_answer_is_no_benchmark(measured, monkeypatch):
    """Each variant is held to the digest of the best one's answer."""
    from benchmarks import compare as harness
    from benchmarks.test_lazy_cursor import SUITE
    from lab.measure.sweep import Bench

    monkeypatch.setitem(harness._answers, (SUITE.title, 500), "another digest")
    with Bench(2) as bench, pytest.raises(AssertionError):
        harness.Compare(None, bench, tenth=True)(
            replace(SUITE, streaming=5_000), SUITE.pattern["result_itself"]
        )


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    with pytest.raises(LabError, match="make bench"):
        read(tmp_path)
    (tmp_path / "bench.json").write_text("{")
    with pytest.raises(LabError, match="cannot read"):
        read(tmp_path)


def test_costs_are_those_of_an_item():
    assert SLOW.costs == pytest.approx([1, 1, 2])


def test_the_report_has_a_line_for_each_comparison(capsys):
    print_report(console(), [SLOW, FAST, OVER_HTTP])
    lines = capsys.readouterr().out.splitlines()
    (slow,) = (line for line in lines if "one_string" in line)
    assert slow.split()[:2] == ["one_string", "naive"]
    assert {"31", "120", "kB/s", "3.00", "4.00", "2.0"} <= set(slow.split())
    assert any("8 x copy_chunks" in line for line in lines)


def test_the_documents_show_ratios_sizes_and_memory():
    found = parts([SLOW, FAST, OVER_HTTP])
    assert set(found) == {"speed: exports", "speed: exports-http", "costs"}
    line = "| `copy_chunks` (tuned) | 10,000 rows | 1.0 x | 31 x as fast | 1.20 MB/s |"
    assert line in found["speed: exports"]
    assert "| exports | `one_string` | 100 | 1.0 | 2.0 |" in found["costs"]
    table = summary([SLOW, FAST, OVER_HTTP, replace(OVER_HTTP, clients=1, ratio=1.7)])
    naive, tuned = "31 x, 3.00 MB (at 1,000)", "1.0 x, 70.0 kB"
    assert f"| exports, 10,000 rows | `psql \\copy` | {naive} |  | {tuned} |" in table
    assert table.splitlines()[2].endswith("| 1.7 x, 4.00 MB |")
    assert "| exports, HTTP | `psql \\copy` | tuned | 10,000 rows | 8 |" in over_http([OVER_HTTP])


def test_a_line_is_current_when_all_but_its_numbers_is():
    line = "| `copy_chunks` (tuned) | 10,000 rows | 1.0 x | 70.0 kB |"
    assert same_but_for_numbers(line, "| `copy_chunks` (tuned) | 9 rows | 2 x | 1.2 MB |")
    assert not same_but_for_numbers(line, line.replace("tuned", "naive"))


def test_each_dot_has_its_label_and_the_picture_its_words():
    svg = plot("exports", [SLOW, FAST])
    assert "one_string (1,000 rows)" in svg
    assert ">copy_chunks<" in svg
    assert "copy_chunks takes 1.0 times as long, and 70.0 kB" in svg
    assert svg.count(">naive<") == 1


def test_suites_are_sorted_and_their_variants_are_not():
    found = suites([OVER_HTTP, SLOW, FAST])
    assert list(found) == ["exports", "exports, HTTP"]
    assert found["exports"] == [SLOW, FAST]
    assert slug("exports, HTTP") == "exports-http"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(0.125, "0.12"), (0.999, "1.0"), (1.04, "1.0"), (31.4, "31"), (1234, "1,234")],
)
def test_ratios_are_shown_in_two_figures(ratio, shown):
    assert show_ratio(ratio) == shown
