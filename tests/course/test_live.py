"""The live curve: a real server's memory while its answer is read, in a real kernel as well."""

import re
import time
from contextlib import closing
from uuid import uuid4
from xml.etree import ElementTree

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from lab.course.cells.live import Live
from lab.course.cells.live_plot import live_svg, thinned
from lab.course.cells.live_reading import LiveReading
from lab.data.database import database
from lab.data.seed import drop
from lab.units import parse_bytes
from tests.helpers import wait_until

CSV = "GET /posts/export.csv?rows={rows}"
IN_A_CELL = f"from lab.course.cells.live import Live\nLive({CSV!r}, ('streaming',), rows=500)()"
WORD = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module", autouse=True)
def database_is_up():
    """Have a database up, and a schema that no other test changes in mid-curve."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
        with database() as engine:
            yield
            drop(engine)


@pytest.fixture(scope="module")
def cards():
    """All that is shown of the naive and the streaming answer of 20,000 rows."""
    return list(Live(CSV).cards(20_000))


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def servers(pid=None):
    """List the servers that a process, or this one, has started."""
    children = psutil.Process(pid).children(recursive=True)
    return [one for one in children if "lab.net.uvicorn_process" in one.cmdline()]


def messages(client, asked):
    """Yield what a kernel publishes for a request, until it is idle again."""
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") == asked:
            yield message["msg_type"], message["content"]
            if message["content"].get("execution_state") == "idle":
                return


def test_the_last_card_has_both_roles_and_what_they_sent(cards):
    naive, streaming = (dict(zip(cards[-1].columns, row, strict=True)) for row in cards[-1].rows)
    assert (naive["variant"], streaming["variant"]) == ("naive", "streaming")
    assert naive["bytes sent"] == streaming["bytes sent"] != "0"
    assert naive["complete"] == streaming["complete"] == "yes"


def test_naive_takes_many_times_what_streaming_takes(cards):
    """It holds 20,000 rows and their text at once, and the other a batch of them."""
    naive, streaming = (parse_bytes(row[1]) for row in cards[-1].rows)
    assert naive > 10 * streaming


def test_the_peaks_of_the_table_are_in_the_sentence(cards):
    assert all(f"{row[0]} took {row[1]}" in cards[-1].sentence for row in cards[-1].rows)


def test_a_picture_grows_while_the_answer_is_read(cards):
    growing = {card.svg for card in cards[1:-1]}
    assert len(growing) > 4
    assert all("</svg>" in svg for svg in growing)


def test_the_picture_is_small_and_described_inside_itself(cards):
    svg = cards[-1].svg
    assert len(svg.encode()) < 40_000
    assert "<script" not in svg
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    assert root.get("role") == "img"
    title, description = (root.findtext(f"{WORD}{name}") for name in ("title", "desc"))
    assert root.get("aria-label") == f"{title}. {description}"
    assert re.search(r"naive rises to \d.* MB, .*; streaming rises to \d", description)


def test_the_axes_name_their_units(cards):
    assert "seconds since the request" in cards[-1].svg
    assert "resident set over the warm server (MB)" in cards[-1].svg


@pytest.mark.slow
def test_elsewhere_than_in_a_notebook_the_card_is_returned():
    card = Live(CSV, ("streaming",), rows=300)()
    assert card.mood == "plain"
    assert [row[0] for row in card.rows] == ["streaming"]


@pytest.mark.slow
def test_a_notebook_has_the_card_once_and_updated(kernel):
    """It is displayed once, is put in its own place again and again, and is not a result."""
    _, client = kernel
    seen = list(messages(client, client.execute(IN_A_CELL)))
    kinds = [kind for kind, _ in seen]
    assert kinds.count("display_data") == 1
    assert kinds.count("update_display_data") > 3
    assert not {"execute_result", "error", "stream"} & set(kinds)
    shown = [content for _, content in seen if "transient" in content]
    assert len({content["transient"]["display_id"] for content in shown}) == 1
    assert "<table>" in shown[-1]["data"]["text/html"]
    assert 'role="img"' in shown[-1]["data"]["text/html"]


@pytest.mark.slow
def test_an_interrupt_ends_the_server_and_leaves_the_picture(kernel):
    manager, client = kernel
    pid = manager.provisioner.pid
    shown, kinds = [], []
    for kind, content in messages(client, client.execute(IN_A_CELL)):
        kinds.append(kind)
        if "transient" in content:
            shown.append(content["data"])
        if "so far" in str(content) and kinds.count("update_display_data") == 3:
            assert servers(pid)
            manager.interrupt_kernel()
    assert kinds[-2:] == ["error", "status"]
    assert shown[-1]["text/plain"].startswith("Interrupted; the server has ended.")
    assert "streaming" in shown[-1]["text/html"]
    assert servers(pid) == []


def test_a_curve_that_is_given_up_leaves_no_server():
    with closing(Live(CSV).cards(1_000)) as cards:
        assert any("so far" in card.sentence for card in cards)
        assert len(servers()) == 1
    assert servers() == []


@pytest.mark.parametrize("rows", [0, -5, 2.5, "many"])
def test_rows_that_are_none_are_said(rows):
    card = Live(CSV)(rows)
    assert card.mood == "bad"
    assert f"rows must be a whole number of at least 1, not {rows!r}" in card.sentence


def test_without_a_database_the_card_says_so(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    card = Live(CSV)()
    assert card.mood == "bad"
    assert "start it, or unset DATABASE_URL" in card.sentence


@pytest.mark.slow
def test_an_answer_other_than_200_is_said():
    card = Live("GET /no/such/path?rows={rows}", ("naive",))(300)
    assert card.mood == "bad"
    assert card.sentence.startswith("GET /naive/no/such/path?rows=200 had status 404")


def test_a_server_that_dies_is_said_beside_the_picture_so_far():
    with closing(Live(CSV, ("streaming",)).cards(500)) as cards:
        for card in cards:
            if "so far" in card.sentence:
                for server in servers():
                    server.kill()
    assert card.mood == "bad"
    assert card.sentence.startswith("the server died at GET /streaming/posts/export.csv?rows=500")
    assert "</svg>" in card.svg
    assert wait_until(lambda: not servers())


def test_a_long_answer_is_thinned_to_150_points_and_keeps_its_peak():
    points = [(at / 50, 1_000 + at % 7) for at in range(30_000)]
    points[12_345] = (12_345 / 50, 90_000_000)
    points[23_456] = (23_456 / 50, -5)
    kept = thinned(points)
    assert len(kept) <= 150
    assert kept == sorted(kept)
    assert {points[0], points[12_345], points[23_456], points[-1]} <= set(kept)


def test_a_picture_of_ten_minutes_is_small_as_well():
    now = time.monotonic()
    naive, streaming = (
        LiveReading(
            role,
            began=now,
            samples=[(now + at / 50, at * 7_654_321 % 10**8) for at in range(30_000)],
        )
        for role in ("naive", "streaming")
    )
    assert len(live_svg("Ten minutes", [naive, streaming]).encode()) < 40_000
