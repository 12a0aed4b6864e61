"""`lab load` against real servers: steps under a cap, mixed loads, masters and workers."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from uuid import uuid4

import psutil
import pytest

from lab.data.database import database
from lab.data.seed import drop
from lab.net.client import request
from lab.net.listen import listening
from tests.helpers import processes_naming, run_lab, wait_until

MEASURED_APP = "tests.measure.measured_app:app"


@pytest.fixture(scope="module", autouse=True)
def database_is_up():
    """Start the database, with a schema that no other test changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
        with database() as engine:
            yield
            drop(engine)


def report(folder):
    return json.loads((folder / "load.json").read_text())


def test_naive_fails_under_a_cap_and_tuned_passes(tmp_path):
    ran = run_lab(
        *("load", "--users", "1,2", "--cap", "24MiB", "--rows", "20000"),
        *("--variant", "naive,tuned", "--out", str(tmp_path)),
        *("--require", "tuned carried >= 2", "--require", "naive carried = 0"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "naive fails at 1: " in ran.stdout
    assert "out of memory" in ran.stdout
    assert "tuned passes with 2" in ran.stdout
    document = report(tmp_path)
    assert document["carried"] == {"naive": 0, "tuned": 2}
    assert [step["users"] for step in document["steps"]] == [1, 1, 2]
    naive, *tuned = document["steps"]
    assert naive["peak"] - naive["base"] > 15_000_000
    assert all(step["peak"] - step["base"] < 8_000_000 for step in tuned)
    assert len(rows_of(tmp_path / "steps.csv")) == 3
    assert "<desc>" in (tmp_path / "memory.svg").read_text()


@pytest.mark.slow
def test_a_requirement_that_is_not_met_fails_the_command(tmp_path):
    ran = run_lab(
        *("load", "--users", "1", "--cap", "none", "--rows", "1000", "--variant", "tuned"),
        *("--out", str(tmp_path), "--require", "tuned carried >= 2"),
    )
    assert ran.returncode == 1
    assert "Not met: tuned carried >= 2 (measured 1)" in ran.stdout


@pytest.mark.slow
def test_a_200_that_breaks_off_is_a_failure(tmp_path):
    ran = run_lab(
        *("load", "GET /breaks?n=100000", "--app", MEASURED_APP),
        *("--users", "2", "--cap", "none", "--out", str(tmp_path)),
        *("--require", "users carried = 0"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "users fails at 2: GET /breaks?n=100000, fast: the body broke off" in ran.stdout


@pytest.mark.slow
def test_a_mixed_load_has_every_job_and_samples_the_server(tmp_path):
    ran = run_lab(
        *("load", "--time", "6s", "--users", "9", "--rows", "2000", "--out", str(tmp_path)),
        *("--require", "rss < 400MB", "--require", "requests > 20"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    document = report(tmp_path)
    assert document["problems"] == {}
    rows = {(entry["role"], entry["name"].split(", ")[0]) for entry in document["entries"]}
    jobs = ("export", "download", "upload", "aggregate")
    assert {role for role, _ in rows} >= {"streaming", "tuned"}
    assert {job for _, job in rows} == set(jobs)
    sample = document["series"][-1]
    assert sample["resident_bytes"] > 50_000_000
    assert sample["pool_size"] == 9
    assert max(sample["connections"] for sample in document["series"]) >= 1
    # Samples are in Locust's own statistics, beside requests, and do not count as requests.
    locust = rows_of(tmp_path / "locust_stats.csv")
    by_name = {row["Name"]: row for row in locust if row["Type"] == "server"}
    assert {"resident, MB", "connections", "pool in use"} <= set(by_name)
    assert 50 < float(by_name["resident, MB"]["Median Response Time"]) < 400
    total = next(row for row in locust if row["Name"] == "Aggregated")
    assert int(total["Request Count"]) == document["measures"]["requests"]
    assert "resident, MB" in (tmp_path / "locust.html").read_text()


@pytest.mark.slow
def test_every_user_of_a_step_has_every_job(tmp_path):
    ran = run_lab(
        *("load", "GET /whole?n=10", "GET /streamed?n=10", "--app", MEASURED_APP),
        *("--users", "1,3", "--cap", "none", "--out", str(tmp_path)),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for step in report(tmp_path)["steps"]:
        entries = step["outcome"]["entries"]
        counts = {row["name"]: row["requests"] for row in entries if "fast" in row["name"]}
        assert counts == dict.fromkeys(("/whole?n=10, fast", "/streamed?n=10, fast"), step["users"])


@pytest.mark.slow
def test_a_step_that_hangs_has_failed(tmp_path):
    ran = run_lab(
        *("load", "GET /slow/x?pause=0.1", "--app", "tests.streams_app:app"),
        *("--users", "1,2", "--cap", "none", "--timeout", "6", "--out", str(tmp_path)),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "users fails at 1: not over after 6 s" in ran.stdout
    assert [step["problem"] for step in report(tmp_path)["steps"]] == ["not over after 6 s"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("--users", "1", "--cap", "none"), "the server died with exit code -9", 0),
        (("--time", "2s", "--users", "1"), "The server died: exit code -9.", 1),
    ],
)
def test_a_server_that_dies_is_reported(tmp_path, words, message, code):
    ran = run_lab("load", "GET /dies", "--app", MEASURED_APP, *words, "--out", str(tmp_path))
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert message in ran.stdout


@pytest.mark.slow
def test_a_failure_of_a_mixed_load_fails_the_command(tmp_path):
    ran = run_lab(
        *("load", "GET /breaks?n=1000", "GET /whole?n=10", "--app", MEASURED_APP),
        *("--time", "2s", "--users", "2", "--out", str(tmp_path)),
    )
    assert ran.returncode == 1
    assert "Not met: failures = 0 %" in ran.stdout
    assert "times GET /breaks?n=1000, fast: the body broke off" in ran.stdout


@pytest.mark.slow
def test_a_master_and_two_workers_share_the_users(tmp_path):
    port = free_port()
    workers = [
        lab("load", "--worker", "--master-port", port, "--out", str(tmp_path / f"worker-{number}"))
        for number in range(2)
    ]
    try:
        ran = run_lab(
            *("load", "--time", "4s", "--users", "4", "--master", "--master-port", port),
            *("--job", "export", "--rows", "1000", "--out", str(tmp_path)),
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert [worker.wait(20) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    document = report(tmp_path)
    assert document["measures"]["requests"] > 4
    assert document["series"]
    assert "2 workers connected" in (tmp_path / "locust.log").read_text()
    logs = [path.read_text() for path in tmp_path.glob("worker-*/worker-*/locust.log")]
    assert len(logs) == 2


@pytest.mark.slow
def test_workers_that_never_join_are_reported(tmp_path):
    ran = run_lab(
        *("load", "--time", "4s", "--master", "--master-port", free_port(), "--join-within", "2"),
        *("--rows", "1000", "--out", str(tmp_path)),
    )
    assert ran.returncode == 2
    assert "0 of 2 workers joined within 2 s: start each with" in ran.stderr


def test_a_missing_master_is_reported(tmp_path):
    ran = run_lab(
        *("load", "--worker", "--master-port", free_port(), "--join-within", "1"),
        *("--out", str(tmp_path)),
    )
    assert ran.returncode == 2
    assert "no master at 127.0.0.1:" in ran.stderr


@pytest.mark.slow
def test_locusts_page_shows_what_the_server_has_in_use(tmp_path):
    port = free_port()
    command = lab(
        *("load", "--web", port, "--users", "2", "--job", "aggregate", "--rows", "1000"),
        *("--out", str(tmp_path)),
    )
    page = f"http://127.0.0.1:{port}"

    def shown():
        try:
            return json.loads(request(f"{page}/stats/requests").body)
        except OSError:
            return None

    try:
        assert wait_until(shown, 40)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        # The page cannot direct the users to another server.
        request(f"{page}/swarm", "POST", form, b"user_count=2&spawn_rate=2&host=http://127.0.0.1:9")
        assert wait_until(lambda: "connections" in {row["name"] for row in shown()["stats"]}, 20)
        assert shown()["errors"] == []
    finally:
        command.send_signal(signal.SIGINT)
        assert command.wait(30) == 130
    assert not processes_naming("locust", port)


@pytest.mark.slow
@pytest.mark.parametrize(
    "option", [("--web",), ("--time", "2s", "--master", "--master-port")], ids=lambda o: o[-1]
)
def test_a_port_in_use_is_named(tmp_path, option):
    with listening() as taken:
        port = taken.getsockname()[1]
        ran = run_lab("load", *option, str(port), "--rows", "1000", "--out", str(tmp_path))
    assert ran.returncode == 2
    assert f"cannot listen on port {port} of 127.0.0.1" in ran.stderr
    assert f"choose another port with {option[-1]}." in ran.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--time", "2s", "--url", "http://127.0.0.1:9"), "nothing answers at http://127.0.0.1:9"),
        (
            ("GET /", "--app", "tests.nowhere:app"),
            "cannot import 'tests.nowhere' for",
        ),
        (("--require", "p95"), "'p95' is not a requirement"),
        (("--users", "1,900", "--rows", "1000"), "900 users need a connection each"),
        (("--master",), "are for a mixed load: add --time 60s"),
        (("GET /x",), "requests and --app belong together"),
        (("--web", "8089", "--time", "60s"), "Locust's page ends the load"),
        pytest.param(
            ("GET /nowhere", "--app", MEASURED_APP, "--users", "1"),
            "the application refuses a request: GET /nowhere, fast: 404",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_wrong_options_are_explained_in_one_sentence(tmp_path, words, message):
    ran = run_lab("load", *words, "--out", str(tmp_path))
    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_ctrl_c_leaves_nothing_running(tmp_path):
    command = lab("load", "--time", "60s", "--users", "2", "--rows", "1000", "--out", str(tmp_path))
    ours = psutil.Process(command.pid)
    assert wait_until(lambda: "locust" in words_of(ours.children()), 40)
    left = [p for p in ours.children() if "lab.data.postgres_supervisor" not in words_of([p])]
    command.send_signal(signal.SIGINT)
    assert command.wait(40) == 130
    assert wait_until(lambda: not any(process.is_running() for process in left))


def test_the_locustfile_works_by_itself():
    listed = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "benchmarks/locustfile.py", "--list"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    kinds = {"ExportUser", "DownloadUser", "UploadUser", "AggregateUser"}
    assert kinds <= set((listed.stdout + listed.stderr).split())


def lab(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "lab.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )


def rows_of(file):
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def words_of(processes):
    words = []
    for process in processes:
        with suppress(psutil.Error):
            words += process.cmdline()
    return words


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
