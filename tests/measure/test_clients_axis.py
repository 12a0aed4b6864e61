"""What one more client costs a server: declared with the claim, measured with clients in step."""

import asyncio
import string
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.routing import Match

import lab
from lab.curves.curve import Curve, Point
from lab.endpoints.routes import served_variants
from lab.errors import LabError
from lab.measure.http import clients
from lab.net.client import request
from lab.net.server import running
from lab.pattern import CROWDS, ROLES
from lab.patterns import PATTERNS, file_download, identity_map, rows
from lab.variants import sweep_variants
from lab.web.app import ROUTERS
from tests.helpers import MORE_CROWDS, run_lab

BLOCKS = 160
"""More than the kernel holds for a client by itself, which is 4 MB."""
PEAKS_BY_CHANCE = (7_687_873, 13_378_879, 26_639_784, 41_728_291, 60_237_090)
"""One measurement of `zip_download-member_by_member`; a dozen others of it rose in no order."""

ASKED = [pattern for pattern in PATTERNS if pattern.request is not None]
COUNTED = [(p, v) for p in PATTERNS for v in p.variants if v.client_bytes is not None]
STAND_FOR_ALL = ("csv_export", "file_download", "tag_counts")
"""A cursor that is read as it is sent, a file, and an aggregate; the others are made of these."""
COUNTED_IDS = [f"{pattern.name}-{variant.name}" for pattern, variant in COUNTED]

app = FastAPI()
_open = {"now": 0, "most": 0}
_one_at_a_time = asyncio.Semaphore(1)


@app.get("/in-turn")
def in_turn() -> StreamingResponse:
    """Count the generators that are open at one moment."""

    def blocks() -> Iterator[bytes]:
        _open["now"] += 1
        _open["most"] = max(_open.values())
        try:
            for _ in range(BLOCKS):
                yield bytes(65_536)
        finally:
            _open["now"] -= 1

    return StreamingResponse(blocks())


@app.get("/one-by-one")
async def one_by_one() -> StreamingResponse:
    """Let the next client in when the last one has gone."""

    async def blocks() -> AsyncIterator[bytes]:
        async with _one_at_a_time:
            for _ in range(BLOCKS):
                yield bytes(65_536)
            # The last of it is with the kernel, and not with the client yet.
            await asyncio.sleep(0.5)

    return StreamingResponse(blocks())


@app.get("/most")
def most() -> int:
    """Say how many generators were open at one moment."""
    return _open["most"]


def job(url, count):
    return {
        "url": url,
        "method": "GET",
        "headers": {},
        "clients": count,
        "body": None,
        "field": "",
        "size": count,
        "alike": True,
    }


def curve(bytes_of, sizes=(2, 4, 8, 16, 32)):
    points = tuple(Point(size, peak_heap_bytes=round(bytes_of(size))) for size in sizes)
    return Curve("f", "clients", points)


def asking_for(pattern, size):
    """The same pattern, asked for a larger or a smaller answer."""
    sizes = dict.fromkeys(pattern.request.sizes, size)
    return replace(pattern, request=replace(pattern.request, sizes=sizes))


def measured(pattern, variant, sizes, schedule):
    found = sweep_variants(pattern, [variant], "clients", sizes=sizes, schedule=schedule)
    assert [p.counts["at_once"] for p in found[variant.name].points] == list(sizes)
    return found[variant.name]


def per_client(pattern, variant, sizes, schedule):
    return claimed(measured(pattern, variant, sizes, schedule), variant)


def claimed(curve, variant):
    return lab.verdict(curve, variant.peak, per_client=variant.client_bytes)


def test_all_clients_are_answered_at_the_same_time():
    """Sixteen clients keep sixteen generators open, by the server's own count."""
    with running("tests.measure.test_clients_axis:app") as server:
        result = clients.send_all(job(f"{server.url}/in-turn", 16))
        assert result["counts"] == {"bytes": 16 * BLOCKS * 65_536, "status": 200, "at_once": 16}
        assert request(f"{server.url}/most").body == b"16"


def test_a_server_that_answers_one_after_the_other_is_told_from_one_that_does_not(monkeypatch):
    """They do not wait for each other for ever, and say that they were not all there at once."""
    monkeypatch.setattr(clients, "PATIENCE", 0.5)
    with running("tests.measure.test_clients_axis:app") as server:
        result = clients.send_all(job(f"{server.url}/one-by-one", 3))
    assert result["counts"]["at_once"] < 3
    assert result["received"] == 3 * BLOCKS * 65_536


def test_a_client_that_is_refused_is_not_waited_for():
    with running("tests.measure.test_clients_axis:app") as server:
        result = clients.send_all(job(f"{server.url}/nowhere", 3))
    assert "the answer was 404" in result["failed"]
    assert not [t for t in threading.enumerate() if "ThreadPool" in t.name]


@pytest.mark.parametrize(("pattern", "variant"), COUNTED, ids=COUNTED_IDS)
def test_who_says_what_a_client_costs_is_served(pattern, variant):
    """The path of its role exists, and it is this variant that answers there."""
    method, _, path = pattern.request.to(variant.role).partition(" ")
    scope = {"type": "http", "method": method, "path": path.partition("?")[0]}
    every = (route for router in ROUTERS for route in router.routes)
    routes = [route for route in every if route.matches(scope)[0] is Match.FULL]
    assert [route.endpoint.args[0] for route in routes] == [variant]


@pytest.mark.parametrize("pattern", ASKED, ids=lambda p: p.name)
def test_a_pattern_that_can_be_asked_for_says_what_each_served_variant_costs(pattern):
    """But for traps that do not spring by memory."""
    behind = {variant.name: variant for _, variant in served_variants(pattern, ROLES)}.values()
    assert list(pattern.along("clients")) == [v for v in behind if v.fails_by in (None, "memory")]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_the_axis_and_the_request_go_together(pattern):
    assert ("clients" in pattern.axes) == (pattern.request is not None)
    if pattern.request is not None:
        places = {name for _, name, *_ in string.Formatter().parse(pattern.request.line) if name}
        assert places == set(pattern.request.sizes) <= {"rows", "bytes"}


@pytest.mark.parametrize(
    "pattern", [p for p in ASKED if p.name in STAND_FOR_ALL], ids=lambda p: p.name
)
def test_a_client_of_the_naive_variant_costs_more_than_twice_as_much(pattern):
    """At the sizes of the request, which are small: the difference grows with them."""
    naive = pattern.first("naive").client_bytes
    best = min(v.client_bytes for v in pattern.along("clients"))
    assert naive > 2 * best


def test_a_variant_that_is_not_served_has_no_clients():
    with pytest.raises(LabError, match="rows yield_per has no clients to vary"):
        sweep_variants(rows.PATTERN, [rows.PATTERN["yield_per"]], "clients")
    with pytest.raises(LabError, match="identity_map has no axis 'clients'"):
        identity_map.PATTERN.along("clients")


def test_no_more_per_client_than_was_promised():
    found = lab.verdict(curve(lambda n: 400_000 * n), lab.O("batch"), per_client=500_000)
    assert (found.finding, str(found.claim)) == ("kept", "O(clients)")
    assert "400 kB per client" in found.reason
    assert found.reason.endswith("; 500 kB per client were promised")


def test_more_per_client_than_was_promised_breaks_the_claim():
    found = lab.verdict(curve(lambda n: 600_000 * n), lab.O(1), per_client=500_000)
    assert found.finding == "broken"
    assert found.reason.endswith(", but 500 kB per client were promised")


def test_a_promise_within_the_interval_cannot_be_told():
    ragged = curve(lambda n: 500_000 * n + (-1) ** n.bit_length() * 400_000)
    found = lab.verdict(ragged, lab.O(1), per_client=500_000)
    assert found.finding == "inconclusive"
    assert found.reason.endswith("measure more sizes to decide")


def test_a_claim_that_promises_nothing_per_client_says_that_they_cost_nothing():
    assert lab.verdict(curve(lambda n: 600_000 * n), lab.O("batch")).finding == "broken"
    assert lab.verdict(curve(lambda n: 600_000), lab.O("batch")).finding == "kept"


def test_what_a_client_may_cost_is_an_amount_of_memory():
    variant = file_download.PATTERN["small_chunks"]
    assert replace(variant, per_client="64 KiB").client_bytes == 65_536
    with pytest.raises(LabError, match="not a valid amount of memory"):
        _ = replace(variant, per_client="a lot").client_bytes


def test_steps_that_rise_in_order_by_chance_are_no_growth_faster_than_the_clients():
    """Four steps do so in one of 24 curves; of a quadratic curve six do, and there are more."""
    price, unpriced = {"per_client": 5_000_000}, lab.O("clients")
    peaks = dict(zip(CROWDS, PEAKS_BY_CHANCE, strict=True))
    by_chance = curve(peaks.__getitem__, CROWDS)
    assert lab.verdict(by_chance, lab.O(1), **price).finding == "kept"
    assert "measure more sizes" in lab.verdict(by_chance, unpriced).reason
    square = curve(lambda n: 500_000 * n**2, (2, 4, 6, 8, 10, 12, 14))
    assert lab.verdict(square, unpriced).finding == "broken"
    assert lab.verdict(square, lab.O(1), **price).finding == "broken"


@pytest.mark.slow
@pytest.mark.usefixtures("whole_table")
def test_a_download_costs_what_it_declares_for_each_client(alone):
    """And half a chunk for each would not be enough: the same curve breaks that promise."""
    pattern = asking_for(file_download.PATTERN, 2_000_000)
    variant = pattern["small_chunks"]
    found = measured(pattern, variant, MORE_CROWDS, alone)
    assert (verdict := claimed(found, variant)).finding == "kept", verdict.reason
    less = replace(variant, per_client="30 kB")
    assert (verdict := claimed(found, less)).finding == "broken", verdict.reason


@pytest.mark.slow
@pytest.mark.usefixtures("whole_table")
def test_the_command_counts_clients():
    words = "curve file_download large_chunks --axis clients --sizes 1,2,3,4,5 --json -"
    shown = run_lab(*words.split())
    assert '"axis": "clients"' in shown.stdout
    assert shown.returncode in (0, 3), shown.stderr


@pytest.mark.full
@pytest.mark.usefixtures("whole_table")
@pytest.mark.parametrize("pattern", ASKED, ids=lambda p: p.name)
def test_all_clients_of_all_variants_receive_the_same(pattern, alone):
    """Byte by byte; but an archive says when it was made, and each library has its own way."""
    smaller = asking_for(pattern, sum(pattern.request.sizes.values()) // 4)
    found = sweep_variants(smaller, pattern.along("clients"), "clients", sizes=(3,), schedule=alone)
    digests = {point.digest for curve in found.values() for point in curve.points}
    assert len(digests) == 1
    assert all(digests) == pattern.request.alike


@pytest.mark.full
@pytest.mark.usefixtures("whole_table")
@pytest.mark.parametrize(
    "pattern", [p for p in ASKED if p.name in STAND_FOR_ALL], ids=lambda p: p.name
)
def test_a_client_of_the_naive_variant_costs_more_when_the_answer_is_larger(pattern, alone):
    """Twice the rows, about twice the bytes per client."""
    (size,) = pattern.request.sizes.values()
    naive = pattern.first("naive")
    half, whole = (
        per_client(asking_for(pattern, of), naive, (2, 3, 4, 5, 6), alone).growth.per_item
        for of in (size, 2 * size)
    )
    assert whole > 1.5 * half


@pytest.mark.full
@pytest.mark.usefixtures("whole_table")
@pytest.mark.parametrize(
    ("pattern", "variant"),
    [
        pytest.param(p, v, id=f"{p.name}-{v.name}")
        for p, v in COUNTED
        if p.name in STAND_FOR_ALL and v.role in ("streaming", "tuned")
    ],
)
def test_a_client_of_a_streaming_variant_costs_no_more_when_the_answer_is_larger(
    pattern, variant, alone
):
    (size,) = pattern.request.sizes.values()
    found = per_client(asking_for(pattern, 2 * size), variant, CROWDS, alone)
    assert found.growth.per_item < variant.client_bytes, found.reason
