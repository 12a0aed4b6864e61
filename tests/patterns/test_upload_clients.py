"""Clients that send too much, too little, too slowly, or hang up: none of their rows is stored."""

import json
from contextlib import closing
from itertools import chain, repeat
from pathlib import Path

import pytest
from sqlalchemy import text

from lab.data.pool import POOL
from lab.endpoints.tokens import token
from lab.net.client import request
from lab.net.server import descriptors
from lab.toolbox.upload_form import FORM, as_form
from tests.helpers import wait_until
from tests.patterns.upload_helpers import (
    ALLOWED,
    HEADER,
    LIMIT,
    ROW,
    Sender,
    form,
    people,
    rests,
    serving,
    witness,
)

pytest_plugins = ["tests.patterns.upload_fixtures"]

streamed = pytest.mark.parametrize("path", ["/tuned/users/import", "/streaming/users/import"])


@pytest.fixture(autouse=True)
def left_at_rest(server):
    """Wait, after each test, until the server has noticed the clients that hung up."""
    yield
    assert wait_until(lambda: rests(server))


def test_tokens_are_asked_for_before_the_body(server, send, users):
    endless = chain([form(HEADER)], repeat(bytes(65_536), 1_000))
    assert send(endless, headers={})[0] == 401
    assert witness(server)["bytes"] < LIMIT / 10
    refused = {"Authorization": f"Bearer {token(can_export=False)}"}
    assert send(form(HEADER + ROW), headers=refused)[0] == 403
    assert users() == 0


def test_a_line_of_45_mb_is_refused_at_its_beginning(server, send, users):
    endless = chain([form(HEADER)[:-30]], repeat(b"x" * 65_536, 45_000_000 // 65_536))
    status, answer = send(endless)
    assert (status, "is longer than 65,536" in answer["detail"]) == (422, True)
    assert witness(server)["bytes"] < 1_000_000


def begun(rows=3_000):
    """Return the beginning of a form, with several batches of users."""
    return next(as_form([])) + HEADER + people(rows)


@streamed
def test_the_limit_stops_the_transfer(server, sender, users, path):
    client = sender(path, Transfer_Encoding="chunked")
    head = begun()
    client.send(b"%x\r\n%s\r\n" % (len(head), head))
    assert client.send_while_it_is_taken(8 * LIMIT) < 4 * LIMIT
    answer = client.receive()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b"the upload is larger than the limit of 10,000,000 bytes" in answer
    assert LIMIT < witness(server)["bytes"] < 1.1 * LIMIT
    assert users() == 0


def test_a_length_over_the_limit_is_refused_unread(server, sender):
    client = sender(Content_Length=LIMIT + 1, Expect="100-continue")
    answer = client.receive()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert witness(server)["bytes"] == 0


def test_the_trap_takes_all_of_it(server, send, users):
    body = form(HEADER + b"\n" * 2 * LIMIT)
    assert send(body, "/trap/users/import")[0] == 413
    assert witness(server)["bytes"] == len(body)


@streamed
def test_a_length_that_is_too_short_cuts_the_form(sender, users, path):
    body = form(HEADER + people(10))
    client = sender(path, Content_Length=len(body) - 20)
    client.send(body)
    answer = client.receive()
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"ends before its closing boundary" in answer
    assert users() == 0


@streamed
def test_a_client_that_hangs_up_leaves_nothing(server, sender, users, path):
    client = sender(path, Content_Length=LIMIT)
    client.send(begun())
    assert wait_until(lambda: witness(server)["connections"] == 1)
    client.close()
    assert wait_until(lambda: witness(server)["connections"] == 0)
    assert users() == 0
    assert "Traceback" not in server.written()


@pytest.mark.slow
@streamed
def test_a_client_that_falls_silent_is_told_so(server, sender, users, path):
    client = sender(path, Content_Length=LIMIT)
    client.send(begun())
    answer = client.receive()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert witness(server)["connections"] == 0
    assert users() == 0


def test_without_a_free_connection_nothing_is_taken(server, sender, send):
    holding = [sender(Content_Length=LIMIT) for _ in range(5)]
    assert wait_until(lambda: witness(server)["connections"] == len(holding))
    status, answer = send(chain([form(HEADER)], repeat(bytes(65_536), 100)))
    assert (status, answer["detail"]) == (503, "all connections are in use; try again")
    assert witness(server)["bytes"] < 1_000_000


@streamed
def test_rows_that_another_import_holds_are_not_waited_for_long(server, sender, send, users, path):
    client = sender("/streaming/users/import", Content_Length=LIMIT)
    client.send(begun())
    assert wait_until(lambda: witness(server)["bytes"] >= len(begun()))
    status, answer = send(form(HEADER + people(3_000)), path)
    assert (status, answer["detail"]) == (503, "another import holds the same rows; try again")
    assert users() == 0


def test_a_slow_client_of_the_tuned_import_holds_no_rows(server, sender, send, users):
    """Both send the same users; the first to finish stores them, the other counts duplicates."""
    rest = people(10, first=3_000) + b"".join(as_form([])).partition(b"\r\n\r\n")[2]
    length = len(begun() + rest)
    client = sender("/tuned/users/import", Content_Length=length, Connection="close")
    client.send(begun())
    assert wait_until(lambda: witness(server)["bytes"] >= len(begun()))
    assert send(form(HEADER + people(3_000)))[1]["imported"] == 3_000
    client.send(rest)
    report = json.loads(client.receive().partition(b"\r\n\r\n")[2])
    assert (report["imported"], report["duplicates"]) == (10, 3_000)
    assert users() == 3_010


@streamed
def test_a_hundred_clients_that_hang_up_leave_no_connection_no_file_and_no_thread(
    server, sender, send, users, path
):
    assert send(form(HEADER + ROW), path)[0] == 200
    users_before, threads_before, open_before = users(), threads(server), descriptors(server.pid)
    for number in range(100):
        client = sender(path, Content_Length=LIMIT)
        client.send(begun(40 * number))
        client.close()
    assert wait_until(lambda: rests(server))
    assert send(form(HEADER + people(10)), path)[1]["imported"] == 10
    assert users() == users_before + 10
    assert len(descriptors(server.pid)) - len(open_before) <= POOL + 1
    # Worker threads are kept; the event loop's own limit bounds them.
    assert threads(server) - threads_before <= 40


def threads(server):
    return len(list(Path(f"/proc/{server.pid}/task").iterdir()))


@streamed
def test_a_database_that_ends_the_connection_leaves_nothing_and_is_used_again(
    server, users_table, sender, send, users, path
):
    client = sender(path, Content_Length=LIMIT)
    client.send(begun())
    assert wait_until(lambda: witness(server)["bytes"] >= len(begun()))
    with users_table.begin() as connection:
        ended = connection.execute(
            text(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where application_name = :name and state <> 'idle'"
            ),
            {"name": f"memory-lab-{server.pid}"},
        ).scalar_one()
    assert ended == 1
    client.send_while_it_is_taken(LIMIT - len(begun()))
    assert client.receive().startswith(b"HTTP/1.1 500 ")
    assert wait_until(lambda: witness(server)["connections"] == 0)
    assert users() == 0
    assert [send(form(HEADER + ROW), path)[0] for _ in range(POOL)] == [200] * POOL


@pytest.mark.slow
@streamed
def test_a_killed_server_leaves_no_row(users, path):
    with serving() as server, closing(Sender(server, path, Content_Length=LIMIT)) as client:
        client.send(begun(20_000))
        assert wait_until(lambda: witness(server)["bytes"] >= len(begun(20_000)))
        server.process.kill()
        server.process.wait()
    assert users() == 0


@pytest.mark.slow
def test_a_server_that_is_stopped_lets_go_of_a_silent_client(users):
    with serving() as server, closing(Sender(server, Content_Length=LIMIT)) as client:
        client.send(begun())
        assert wait_until(lambda: witness(server)["connections"] == 1)
        server.process.terminate()
        server.process.wait(10)
        assert "Application shutdown complete" in server.written()
    assert users() == 0


def test_a_full_disk_is_told(users):
    with serving(DISK="full") as server:
        body, headers = form(HEADER + ROW), {"Content-Type": FORM, **ALLOWED}
        answer = request(server.url + "/trap/users/import", "POST", headers, body)
    assert (answer.status, answer.body) == (507, b'{"detail":"the server\'s disk is full"}')
    assert users() == 0
