"""Clients that disconnect, stall or connect all at once leave no trace in the server.

These take minutes, and run by ``make test-faults``.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.data.database import database
from lab.data.files import download_file
from lab.data.pool import POOL
from lab.endpoints.tokens import token
from lab.net.client import request
from lab.net.server import descriptors, reset_high_water_mark, running
from lab.system.linux import status
from lab.units import show_bytes

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("whole_table")]

ALLOWED = {"Authorization": f"Bearer {token()}"}
LARGE = 50_000_000

STREAMS = [
    "/streaming/posts/export.csv",
    "/tuned/posts/export.csv",
    "/streaming/posts/export.json",
    "/tuned/posts/export.ndjson",
    "/streaming/posts/since.txt",
    "/streaming/posts/export.zip?rows=50000",
    "/tuned/posts/export.zip?rows=50000&deflate=true",
    "/streaming/posts/report.pdf?rows=8000",
    "/tuned/posts/report.pdf?rows=100000",
    "/tuned/posts/export.json",
    f"/streaming/downloads/download-{LARGE}.bin",
    f"/tuned/downloads/download-{LARGE}.bin",
]


@pytest.fixture
def server(whole_table):
    download_file(LARGE)
    with running("lab.web.app:app") as server:
        yield server


def get(server, path, **options):
    return request(server.url + path, headers=ALLOWED, **options)


class Backends:
    """The server's connections as the database sees them, identified by the server's port."""

    def __init__(self, engine, server):
        self.engine, self.server = engine, server

    def busy(self) -> list[str]:
        """Return the states of connections in use, without the one of this test."""
        with self.engine.connect() as connection:
            return list(
                connection.exec_driver_sql(
                    "select state || ': ' || query from pg_stat_activity"
                    " where backend_type = 'client backend' and state <> 'idle'"
                    " and pid <> pg_backend_pid() and application_name = %s",
                    (f"memory-lab-{self.server.pid}",),
                ).scalars()
            )

    def settle(self, seconds: float) -> list[str]:
        """Return the connections in use after ``seconds``, or earlier if there are none."""
        deadline = time.monotonic() + seconds
        while (found := self.busy()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


@pytest.fixture
def backends(server):
    with database() as engine:
        yield Backends(engine, server)


@pytest.mark.parametrize("path", STREAMS)
def test_200_clients_that_hang_up_leave_nothing_behind(server, backends, path):
    """Within a second no connection, cursor or file is in use; the next answer is complete."""
    whole = get(server, path)
    assert (whole.status, whole.complete) == (200, True)
    open_before = len(descriptors(server.pid))
    moments = random.Random(path)  # noqa: S311 - the same moments in every run

    def hang_up(_: int) -> int:
        after = int(moments.uniform(1, min(whole.length, 3_000_000)))
        return get(server, path, stop_after=after).status

    with ThreadPoolExecutor(4) as clients:
        statuses = list(clients.map(hang_up, range(200)))
    assert server.lives, server.written()[-2_000:]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 150
    assert backends.settle(1.0) == []
    assert "Traceback" not in server.written()
    again = get(server, path)
    assert (again.length, again.complete) == (whole.length, True)
    if ".zip" not in path:  # an archive says when it was made
        assert again.digest == whole.digest
    opened = len(descriptors(server.pid)) - open_before
    assert opened <= POOL + 1, "what is left open is the pool, and no file"


def test_eight_slow_readers_cost_little_and_keep_nobody_out(server):
    """They read 200 kB per second; a ninth client gets an answer from another endpoint."""
    path = f"/streaming/downloads/download-{LARGE}.bin"
    get(server, path, stop_after=1_000_000)
    before = reset_high_water_mark(server.pid)
    with ThreadPoolExecutor(8) as clients:
        slow = [
            clients.submit(get, server, path, rate=200_000, stop_after=1_500_000) for _ in range(8)
        ]
        time.sleep(2)
        assert get(server, "/stats/tag-counts?rows=1000").status == 200
        assert all(one.result().status == 200 for one in slow)
    grown = status("VmHWM", server.pid) - before
    assert grown < 8_000_000, show_bytes(grown)


def test_a_pool_of_five_serves_five_slow_readers_and_tells_45_to_come_back(server):
    get(server, "/posts/export.csv?rows=10")

    def read_slowly(_: int):
        return get(server, "/posts/export.csv", rate=500_000, stop_after=4_000_000)

    with ThreadPoolExecutor(50) as clients:
        received = list(clients.map(read_slowly, range(50)))
    refused = [one for one in received if one.status == 503]
    assert len(refused) == 45
    assert all(one.headers["retry-after"] for one in refused)
    assert sum(one.status == 200 for one in received) == POOL
    with ThreadPoolExecutor(POOL) as clients:
        after = list(clients.map(lambda _: get(server, "/posts/export.csv?rows=1000"), range(POOL)))
    assert all(one.status == 200 and one.complete for one in after)


def test_eight_slow_readers_of_an_export_wait_for_a_place_or_are_told(server, backends):
    """Five export; three get a 503 for lack of a connection; the server hardly grows."""
    get(server, "/posts/export.csv?rows=20000")
    before = reset_high_water_mark(server.pid)
    with ThreadPoolExecutor(8) as clients:
        slow = list(
            clients.map(
                lambda _: get(server, "/posts/export.csv", rate=200_000, stop_after=800_000),
                range(8),
            )
        )
    assert sorted(one.status for one in slow) == [200] * POOL + [503] * 3
    grown = status("VmHWM", server.pid) - before
    assert grown < 8_000_000, show_bytes(grown)
    assert backends.settle(1.0) == []


def test_eight_slow_readers_of_the_tuned_export_take_six_megabytes_in_all(server):
    """Each has a query, a pipe of 64 KiB and a chunk; with a pool of eight, none has to wait."""
    with running("lab.web.app:app", {"MEMORY_LAB_POOL": "8"}) as roomy:
        get(roomy, "/tuned/posts/export.csv?rows=20000")
        before = reset_high_water_mark(roomy.pid)

        def read_slowly(_: int):
            return get(roomy, "/tuned/posts/export.csv", rate=200_000, stop_after=800_000)

        with ThreadPoolExecutor(8) as clients:
            slow = list(clients.map(read_slowly, range(8)))
        assert [one.status for one in slow] == [200] * 8
        grown = status("VmHWM", roomy.pid) - before
    assert grown < 6_000_000, show_bytes(grown)
