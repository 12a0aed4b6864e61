"""Production: servers end, clients report their results, and the page has all tables."""

import json
import socket
import threading
from pathlib import Path

import psutil
import pytest

from benchmarks.production.clients import ClientGroup, client_process, send
from benchmarks.production.load import Case, cases, count_answers, run
from benchmarks.production.server import Setting, rollup, serving, watched
from benchmarks.report import readme
from benchmarks.report.generated_parts import marked
from benchmarks.report.measurements import is_quick_production, production_parts
from benchmarks.report.production import FILE, MARK, parts
from lab.errors import LabError

PAGE = (Path(__file__).parents[2] / "docs" / "production.md").read_text(encoding="utf-8")
POOL_OF_TWO = Setting(environment={"MEMORY_LAB_POOL": "2"})

ANSWERS = {
    "whole": 12,
    "cut": 0,
    "busy": 4,
    "told_when": 4,
    "refused": 0,
    "dropped": 0,
    "longest_wait_seconds": 0.5,
}
AMOUNTS = ("idle", "peak", "fullest", "rss", "pss", "virtual")


def document():
    """A measurement in the form of the real one, a line for each table."""
    load = {"rows": 4_000, "clients": 16, **{f"{name}_bytes": 10**8 for name in AMOUNTS}, **ANSWERS}
    point = {"clients": 1, "peak_bytes": 10**8, "error": 0.1, "error_above_base": -0.2}
    return {
        "quick": False,
        "environment": {
            "implementation": "CPython",
            "python": "3.11.2",
            "platform": "linux",
            "libc": "glibc 2.36",
            "cores": 2,
            "uvicorn": "0.54.0",
            "gunicorn": "27.0.1",
            "anyio": "4.16.0",
        },
        "load": [
            {"scenario": case.scenario, "name": case.name, "role": case.role, **load}
            for case in cases()
        ],
        "fat": [
            {
                "name": "uvicorn",
                "requests": 4,
                "before_bytes": 10**8,
                "after_bytes": [10**8] * 4,
                "processes": 2,
                **ANSWERS,
            }
        ],
        "in_flight": [{"name": "uvicorn", "streams": ANSWERS, "others": ANSWERS}],
        "sizing": [
            {
                "name": "export of 4,000 rows, naive",
                "base_bytes": 80_000_000,
                "per_client_bytes": 14_000_000,
                "most": 16,
                "points": [point, {**point, "clients": 32, "peak_bytes": 5 * 10**8}],
            }
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        Setting(workers=2),
        Setting(workers=2, own_socket=True),
        Setting("gunicorn", 2),
        Setting("gunicorn", 2, own_socket=True),
    ],
    ids=lambda setting: f"{setting.server}-{setting.own_socket}",
)
def test_a_server_with_workers_ends_with_all_its_processes(setting, whole_table):
    with serving(setting) as server:
        workers = server.workers()
        processes = server.processes()
        assert len(workers) == 2
        assert set(workers) < set(processes)
        assert all(rollup(pid)[0] >= rollup(pid)[1] > 0 for pid in workers)
    assert not [pid for pid in processes if psutil.pid_exists(pid)]
    assert rollup(workers[0]) == (0, 0)


def test_a_server_that_does_not_start_says_so():
    with (
        pytest.raises(LabError, match="uvicorn did not start") as caught,
        serving(Setting(app="lab.nothing:app")),
    ):
        pass
    assert "lab.nothing" in caught.value.details


@pytest.mark.slow
def test_clients_that_hold_find_as_many_connections_as_the_pool_has(whole_table):
    """All clients are in the middle of their answers, so that no connection becomes free."""
    with client_process() as clients:
        case = Case("pool", "2", POOL_OF_TWO, "streaming", 4)
        counts = run(case, clients, 10_000)
    assert (counts["whole"], counts["busy"], counts["told_when"]) == (2, 2, 2)
    assert counts["peak_bytes"] >= counts["idle_bytes"] > 0
    assert counts["rss_bytes"] >= counts["pss_bytes"] > 0


@pytest.mark.slow
def test_the_concurrency_limit_counts_the_connection_that_asks(whole_table):
    setting = Setting(options=("--limit-concurrency", "3"), environment={"MEMORY_LAB_POOL": "4"})
    with client_process() as clients:
        counts = run(Case("limit", "3", setting, "streaming", 4, gap=0.3), clients, 10_000)
    assert (counts["whole"], counts["busy"], counts["told_when"]) == (2, 2, 0)


def test_uploads_of_several_clients_have_different_users(own_schema):
    from lab.data.seed import build

    build(own_schema, 1_000)
    with serving(POOL_OF_TWO) as server, client_process() as clients, watched(server) as memory:
        path = "/tuned/imports/users.csv"
        results = clients.send(ClientGroup(server.port, path, 2, hold=True, upload=100_000))
    assert [(result.status, result.complete) for result in results] == [(200, True)] * 2
    assert len(memory.peaks) == 1


def answering(answer):
    """Serve one connection: read the request's head, send an answer, close."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, listener:
            connection.recv(65_536)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "whole"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "whole"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "cut"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n", "busy"),
        (b"", "dropped"),
    ],
)
def test_a_client_distinguishes_complete_broken_and_missing_answers(answer, kind):
    kinds = ("whole", "cut", "busy", "refused", "dropped")
    counts = count_answers(send(ClientGroup(answering(answer), "/", hold=True)))
    assert {name: counts[name] for name in kinds} == {**dict.fromkeys(kinds, 0), kind: 1}
    assert counts["told_when"] == (kind == "busy")


def test_a_client_of_a_closed_port_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert count_answers(send(ClientGroup(port, "/", clients=2, hold=True)))["refused"] == 2


def test_the_page_has_a_mark_for_every_part_and_no_other():
    contents = parts(document())
    assert all(marked(name).search(PAGE) for name in contents)
    assert PAGE.count(f"<!-- generated: {MARK}") == len(contents)


def test_the_page_shows_every_setting_that_is_measured():
    for case in cases():
        assert f"| {case.name} | " in PAGE


def test_the_worked_example_is_arithmetic():
    example = parts(document())[f"{MARK}example"]
    assert "80.0 MB + 32 x 14.0 MB = 528 MB" in example
    assert "a limit of 660 MB" in example
    assert "room for 24 clients." in example


def test_many_more_clients_than_measured_are_extrapolated():
    changed = document()
    changed["sizing"][0]["per_client_bytes"] = 1_000_000
    assert "room for 349 clients (extrapolated)." in parts(changed)[f"{MARK}example"]


def test_a_quick_measurement_is_not_written_to_the_page():
    with pytest.raises(LabError, match="--quick"):
        parts({**document(), "quick": True})


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A build folder with a measurement of production, and a page written from it."""
    page = tmp_path / "production.md"
    contents = parts(document())
    page.write_text("\n\n".join(f"<!-- generated: {name} -->\n\n<!-- end -->" for name in contents))
    monkeypatch.setattr(readme, "PRODUCTION", page)
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps(document()))
    readme._fill(page, production_parts(tmp_path))
    return tmp_path


def changes(build):
    return readme._changed_words(readme.PRODUCTION, production_parts(build))


def test_other_numbers_do_not_change_the_page(build):
    changed = document()
    changed["load"] = [{**case, "peak_bytes": 3 * 10**8, "busy": 0} for case in changed["load"]]
    (build / FILE).write_text(json.dumps(changed))
    assert changes(build) == []


def test_another_case_changes_the_page(build):
    changed = document()
    changed["in_flight"][0]["name"] = "gunicorn"
    (build / FILE).write_text(json.dumps(changed))
    assert any("gunicorn" in line for line in changes(build))


def test_a_quick_measurement_is_recognised(build):
    assert not is_quick_production(build)
    (build / FILE).write_text(json.dumps({**document(), "quick": True}))
    assert is_quick_production(build)


def test_without_a_measurement_the_page_has_no_parts(tmp_path):
    assert production_parts(tmp_path) == {}


def test_a_quick_measurement_has_every_scenario_and_both_roles():
    quick = list(cases())[::5]
    assert {case.scenario for case in quick} == {case.scenario for case in cases()}
    assert {case.role for case in quick} >= {"naive", "streaming"}
