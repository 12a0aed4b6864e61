"""What the page about production rests on: servers that end, clients that tell, tables that fit."""

import json
import socket
import threading
from pathlib import Path

import psutil
import pytest

from benchmarks.production_clients import Crowd, clients, send
from benchmarks.production_load import Case, answers, cases, run
from benchmarks.production_server import Setting, rollup, serving, watched
from lab.errors import LabError
from lab.report import readme
from lab.report.parts import marked, same_but_for_numbers
from lab.report.production import FILE, MARK, parts

PAGE = (Path(__file__).parents[1] / "docs" / "production.md").read_text(encoding="utf-8")
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
        ours = server.processes()
        assert len(workers) == 2
        assert set(workers) < set(ours)
        assert all(rollup(pid)[0] >= rollup(pid)[1] > 0 for pid in workers)
    assert not [pid for pid in ours if psutil.pid_exists(pid)]
    assert rollup(workers[0]) == (0, 0)


def test_a_server_that_does_not_start_says_so():
    with (
        pytest.raises(LabError, match="uvicorn did not start") as caught,
        serving(Setting(app="lab.nothing:app")),
    ):
        pass
    assert "lab.nothing" in caught.value.details


def test_clients_that_hold_find_as_many_connections_as_the_pool_has(whole_table):
    """Each is in mid-answer when the next one asks: nobody's connection becomes free in time."""
    with clients() as people:
        case = Case("pool", "2", POOL_OF_TWO, "streaming", 4)
        found = run(case, people, 10_000)
    assert (found["whole"], found["busy"], found["told_when"]) == (2, 2, 2)
    assert found["peak_bytes"] >= found["idle_bytes"] > 0
    assert found["rss_bytes"] >= found["pss_bytes"] > 0


def test_the_concurrency_limit_counts_the_connection_that_asks(whole_table):
    setting = Setting(options=("--limit-concurrency", "3"), environment={"MEMORY_LAB_POOL": "4"})
    with clients() as people:
        found = run(Case("limit", "3", setting, "streaming", 4, gap=0.3), people, 10_000)
    assert (found["whole"], found["busy"], found["told_when"]) == (2, 2, 0)


def test_uploads_of_several_clients_do_not_meet(own_schema):
    from lab.data.seed import build

    build(own_schema, 1_000)
    with serving(POOL_OF_TWO) as server, clients() as people, watched(server) as seen:
        path = "/tuned/imports/users.csv"
        met = people.send(Crowd(server.port, path, 2, hold=True, upload=100_000))
    assert [(one.status, one.complete) for one in met] == [(200, True)] * 2
    assert len(seen.peaks) == 1


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
def test_a_client_tells_a_whole_answer_from_a_broken_one_and_from_none(answer, kind):
    kinds = ("whole", "cut", "busy", "refused", "dropped")
    found = answers(send(Crowd(answering(answer), "/", hold=True)))
    assert {name: found[name] for name in kinds} == {**dict.fromkeys(kinds, 0), kind: 1}
    assert found["told_when"] == (kind == "busy")


def test_a_client_that_nobody_listens_to_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert answers(send(Crowd(port, "/", clients=2, hold=True)))["refused"] == 2


def test_the_page_has_a_mark_for_every_part_and_no_other():
    made = parts(document())
    assert all(marked(name).search(PAGE) for name in made)
    assert PAGE.count(f"<!-- generated: {MARK}") == len(made)


def test_the_page_shows_every_setting_that_is_measured():
    for case in cases():
        assert f"| {case.name} | " in PAGE


def test_the_worked_example_is_arithmetic():
    example = parts(document())[f"{MARK}example"]
    assert "80.0 MB + 32 x 14.0 MB = 528 MB" in example
    assert "a limit of 660 MB" in example
    assert "room for 24 clients." in example


def test_what_is_far_beyond_the_measured_clients_is_said_to_be_extrapolated():
    found = document()
    found["sizing"][0]["per_client_bytes"] = 1_000_000
    assert "room for 349 clients (extrapolated)." in parts(found)[f"{MARK}example"]


def test_a_quick_look_does_not_get_into_the_page():
    with pytest.raises(LabError, match="--quick"):
        parts({**document(), "quick": True})


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A folder of builds with a measurement of production, and a page written from it."""
    page = tmp_path / "production.md"
    made = parts(document())
    page.write_text("\n\n".join(f"<!-- generated: {name} -->\n\n<!-- end -->" for name in made))
    monkeypatch.setattr(readme, "PRODUCTION", page)
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps(document()))
    readme._fill(page, readme._production(tmp_path))
    return tmp_path


def changes(build):
    made = readme._production(build)
    return readme._changed(readme.PRODUCTION, made, dict.fromkeys(made, same_but_for_numbers))


def test_another_machines_numbers_are_no_change_of_the_page(build):
    found = document()
    found["load"] = [{**case, "peak_bytes": 3 * 10**8, "busy": 0} for case in found["load"]]
    (build / FILE).write_text(json.dumps(found))
    assert changes(build) == []


def test_another_case_is_a_change_of_the_page(build):
    found = document()
    found["in_flight"][0]["name"] = "gunicorn"
    (build / FILE).write_text(json.dumps(found))
    assert any("gunicorn" in line for line in changes(build))


def test_a_quick_look_is_told_from_a_whole_measurement(build):
    assert not readme._quick_production(build)
    (build / FILE).write_text(json.dumps({**document(), "quick": True}))
    assert readme._quick_production(build)


def test_without_a_measurement_the_page_is_left_alone(tmp_path):
    assert readme._production(tmp_path) == {}


def test_a_quick_look_sees_every_scenario_and_more_than_one_role():
    seen = list(cases())[::5]
    assert {case.scenario for case in seen} == {case.scenario for case in cases()}
    assert {case.role for case in seen} >= {"naive", "streaming"}
