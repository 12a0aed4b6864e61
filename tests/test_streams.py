"""OwningResponse with real clients that disconnect, read slowly and check the body."""

import gc
import inspect
import json
import threading
import time

import anyio
import pytest
from starlette.background import BackgroundTask

from lab.net.client import request
from lab.net.server import running
from lab.streams import OwningResponse, attachment, gather


@pytest.fixture(scope="module")
def server():
    with running("tests.streams_app:app") as server:
        yield server


def notes(server, name: str, until: str = "closed") -> list[str]:
    """Return the notes of a stream once the last one is the expected one."""
    for _ in range(1_000):
        found = json.loads(request(f"{server.url}/notes/{name}").body)
        if found and found[-1].startswith(until):
            return found
        time.sleep(0.01)
    raise AssertionError(f"{name} has not come to {until!r}: {found[-3:]}")


def test_a_stream_arrives_whole_and_is_closed(server):
    received = request(f"{server.url}/slow/whole?chunks=20")
    assert (received.status, received.complete) == (200, True)
    assert received.length == 20 * 65_536
    assert notes(server, "whole")[-2:] == ["end 19", "closed"]


def test_a_client_that_hangs_up_has_the_generator_closed_once(server):
    request(f"{server.url}/slow/left", stop_after=300_000)
    assert notes(server, "left").count("closed") == 1
    time.sleep(0.1)
    assert notes(server, "left")[-1] == "closed", "nothing was made after it was closed"


def test_a_chunk_that_is_being_made_is_waited_for_and_then_dropped(server):
    request(f"{server.url}/slow/waited?pause=0.3", stop_after=65_536)
    found = notes(server, "waited")
    assert found[-1] == "closed"
    assert found[-2].startswith("end"), "never closed while it runs"


def test_a_response_that_asyncio_cancels_waits_for_the_chunk_as_well(server):
    assert request(f"{server.url}/impatient/cancelled").body == b"cancelled"
    found = notes(server, "cancelled")
    assert found[-1] == "closed", "and not while it runs"
    assert found[-2].startswith("end")


def test_many_clients_that_hang_up_leave_nothing_open(server):
    for number in range(20):
        request(f"{server.url}/slow/many-{number}", stop_after=65_536 * (1 + number % 5))
    assert all(notes(server, f"many-{number}")[-1] == "closed" for number in range(20))


def test_an_async_generator_that_never_waits_stops_and_may_wait_while_it_closes(server):
    request(f"{server.url}/async/hasty", stop_after=1_000_000)
    assert notes(server, "hasty") == ["closed"]


def test_a_failure_before_the_first_byte_is_an_answer_of_its_own(server):
    assert request(f"{server.url}/before/broken").status == 500
    missing = request(f"{server.url}/before/missing")
    assert missing.status == 404
    assert b"nothing of that name" in missing.body


def test_no_room_before_the_first_byte_is_503_with_retry_after(server):
    busy = request(f"{server.url}/before/busy")
    assert busy.status == 503
    assert busy.headers["retry-after"] == "7"


def test_a_stream_of_nothing_is_a_whole_answer(server):
    empty = request(f"{server.url}/before/nothing")
    assert (empty.status, empty.length, empty.complete) == (200, 0, True)


STACKS = ["", "/base", "/gzip", "/base-base", "/gzip-base", "/base-gzip", "/base-base-gzip"]
"""Middlewares, the innermost first."""


@pytest.mark.parametrize("behind", STACKS)
@pytest.mark.parametrize("accept", ["identity", "gzip"])
def test_a_failure_in_mid_stream_can_be_told_by_the_client(server, behind, accept):
    received = request(f"{server.url}{behind}/failing", headers={"Accept-Encoding": accept})
    assert received.status == 200
    assert not received.complete
    assert "broken in mid-stream" in server.written()


def test_what_cannot_be_closed_is_refused_at_once():
    with pytest.raises(TypeError, match="list_iterator cannot be closed: pass a generator"):
        OwningResponse(iter(["a"]))


def respond(response, send, receive=None):
    """Run a response with a fake server."""

    async def nothing_more():
        await anyio.sleep_forever()

    anyio.run(response, {"type": "http"}, receive or nothing_more, send)


def test_a_server_that_says_that_the_client_has_gone_ends_the_stream_quietly():
    closed = []

    def chunks():
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(True)

    async def send(message):
        if message["type"] == "http.response.body":
            raise OSError("gone")

    respond(OwningResponse(chunks()), send)
    assert closed == [True]


def test_an_oserror_of_the_generator_is_an_error_all_the_same():
    def chunks():
        raise OSError("no such file")
        yield ""

    async def send(message):
        pass

    with pytest.raises(OSError, match="no such file"):
        respond(OwningResponse(chunks()), send)


def test_a_server_that_cannot_be_listened_to_is_streamed_to_all_the_same():
    sent = []

    async def send(message):
        sent.append(message.get("body"))

    async def receive():
        raise RuntimeError("no more messages")

    respond(OwningResponse(part for part in ["a", "b"]), send, receive)
    assert sent == [None, b"a", b"b", b""]


def test_an_empty_chunk_is_not_sent_and_the_status_waits_for_one_that_is_not():
    sent, made = [], []

    def chunks():
        for part in ["", "", "a", "", "b"]:
            made.append((part, len(sent)))
            yield part

    async def send(message):
        sent.append(message.get("body"))

    respond(OwningResponse(chunks()), send)
    assert made == [("", 0), ("", 0), ("a", 0), ("", 2), ("b", 2)]
    assert sent == [None, b"a", b"b", b""]


def test_a_client_that_goes_before_the_first_byte_is_noticed_by_an_empty_chunk():
    sent, closed = [], []

    def chunks():
        try:
            while True:
                yield ""
        finally:
            closed.append(True)

    async def send(message):
        sent.append(message)

    async def receive():
        await anyio.sleep(0.05)
        return {"type": "http.disconnect"}

    respond(OwningResponse(chunks()), send, receive)
    assert (sent, closed) == ([], [True])


def test_a_chunk_that_is_ready_is_made_on_the_event_loop_and_others_in_a_thread():
    made, asked = [], iter([True, False, True, True])

    def chunks():
        for part in ["a", "b", "c"]:
            made.append(threading.current_thread() is threading.main_thread())
            yield part

    async def send(message):
        pass

    respond(OwningResponse(chunks(), ready=lambda: next(asked)), send)
    assert made == [True, False, True]


def test_a_client_that_goes_is_noticed_although_every_chunk_is_ready():
    closed = []

    def chunks():
        try:
            while True:
                yield "a"
        finally:
            closed.append(True)

    async def send(message):
        pass

    async def receive():
        await anyio.sleep(0.05)
        return {"type": "http.disconnect"}

    respond(OwningResponse(chunks(), ready=lambda: True), send, receive)
    assert closed == [True]


def test_background_tasks_run_after_a_body_that_was_sent_whole():
    done = []

    async def send(message):
        done.append(message["type"])

    response = OwningResponse(part for part in ["a"])
    response.background = BackgroundTask(done.append, "task")
    respond(response, send)
    assert done[-2:] == ["http.response.body", "task"]


def test_a_generator_that_was_never_started_takes_nothing_and_leaves_nothing():
    taken = []

    def chunks():
        taken.append(1)
        yield ""

    response = OwningResponse(chunks())
    del response
    gc.collect()
    assert taken == []


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("posts.csv", 'attachment; filename="posts.csv"'),
        ('a "b".csv', "attachment; filename*=utf-8''a%20%22b%22.csv"),
        ("a\r\nSet-Cookie: x", "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x"),
        (
            "Łódź/渡辺.csv",
            "attachment; filename*=utf-8''%C5%81%C3%B3d%C5%BA%2F%E6%B8%A1%E8%BE%BA.csv",
        ),
    ],
)
def test_any_file_name_can_be_offered(name, header):
    assert attachment(name) == header
    header.encode("latin-1")


def test_gathered_chunks_are_the_same_text_in_useful_sizes():
    rows = [f"row {number}\n" for number in range(1_000)]
    chunks = list(gather(iter(rows), 100))
    assert "".join(chunks) == "".join(rows)
    assert all(100 <= len(chunk) < 120 for chunk in chunks[:-1])
    assert list(gather([b"a", b"bc"], 2)) == [b"abc"]
    assert list(gather([])) == []


def test_closing_what_gathers_closes_what_is_gathered():
    closed = []

    def rows():
        try:
            while True:
                yield "row"
        finally:
            closed.append(True)

    chunks = gather(rows(), 10)
    next(chunks)
    chunks.close()
    assert closed == [True]


def test_the_file_stands_alone():
    """The file is for copying, so it imports nothing of the lab."""
    import lab.streams

    assert "from lab" not in inspect.getsource(lab.streams)
