"""`lab measure` on functions and endpoints that look flat because nothing happened."""

import json
from dataclasses import replace

import pytest

import lab
from lab.measure.http.endpoint import Endpoint
from tests.helpers import call_lab

APPS = """
import asyncio
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

app = FastAPI()
GROWS = {}

@app.get("/list")
def listing(limit: int = 100) -> list[dict]:
    return [{"id": i, "title": f"post {i}" * 4} for i in range(limit)]

@app.get("/capped")
def capped(rows: int) -> list[dict]:
    return [{"id": i, "title": f"post {i}" * 4} for i in range(min(rows, 1000))]

@app.get("/nothing", status_code=204)
def nothing(rows: int) -> None:
    return None

@app.get("/sorry")
def sorry(rows: int) -> dict:
    return {"error": f"{rows} rows are too many"}

@app.get("/rows")
def rows(rows: int) -> StreamingResponse:
    return StreamingResponse(f"{i:09d}\\n" * 100 for i in range(rows // 100))

@app.get("/cached")
def cached(rows: int) -> StreamingResponse:
    if not GROWS:
        GROWS.update((i, f"row {i}") for i in range(rows))
    return StreamingResponse(f"{i:09d}\\n" * 100 for i in range(rows // 100))

@app.post("/import")
async def upload(request: Request) -> Response:
    lines = 0
    async for chunk in request.stream():
        lines += chunk.count(b"\\n")
    return Response(f"{lines}")
"""

FUNCTIONS = """
from contextlib import contextmanager

def nothing(n):
    for _ in range(n):
        pass

def function(n):
    return lambda: [float(i) for i in range(n)]

@contextmanager
def opened(n):
    yield [float(i) for i in range(n)]

class Items:
    def __init__(self, n):
        self.n = n
    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return i

def numbered(n):
    return Items(n)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence")
    (folder / "evidence_apps.py").write_text(APPS)
    (folder / "evidence_functions.py").write_text(FUNCTIONS)
    return folder


def get(path, folder, *words, method="GET"):
    request = f"{method} /{path}?rows={{n}}"
    app = ("--app", "evidence_apps:app", "--axis", "rows", "--claim", "O(1)")
    return call_lab("measure", request, *app, *words, cwd=folder)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("list", "is the same at every size (200, ", marks=pytest.mark.slow),
        ("capped", "is the same at every size (200, "),
        pytest.param("nothing", "is the same at every size (204", marks=pytest.mark.slow),
        pytest.param("sorry", "the answer hardly grows", marks=pytest.mark.slow),
    ],
)
def test_an_endpoint_that_was_asked_nothing_is_not_kept(path, why, folder, monkeypatch, alone):
    monkeypatch.chdir(folder)
    endpoint = Endpoint.parse(f"GET /{path}?rows={{n}}", "evidence_apps:app")
    curve = lab.sweep(endpoint, "rows", schedule=alone)
    found = lab.verdict(curve, lab.O(1))
    assert found.finding == "inconclusive"
    assert why in found.reason
    assert lab.verdict(replace(curve, constant_answer="it is capped"), lab.O(1))


@pytest.mark.slow
@pytest.mark.parametrize(("words", "code"), [((), 3), (("--constant-answer",), 0)])
def test_a_capped_endpoint_is_kept_only_if_its_answer_need_not_grow(words, code, folder):
    assert get("capped", folder, *words).returncode == code


@pytest.mark.slow
def test_a_flat_endpoint_is_kept_by_the_first_command(folder):
    result = get("rows", folder)
    assert result.returncode == 0, result.stdout
    assert "O(1) kept: flat in rows" in result.stdout


@pytest.mark.slow
def test_an_endpoint_whose_first_request_fills_a_cache_is_broken(folder):
    result = get("cached", folder)
    assert result.returncode == 1, result.stdout
    assert "in runs without a warm-up" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("target", "code", "why"),
    [
        ("nothing", 3, "(NoneType, 1 item, 4.00 B)"),
        ("function", 3, "the function was not called"),
        ("opened", 3, "was not called or entered"),
        pytest.param("numbered", 0, "flat in n", marks=pytest.mark.slow),
    ],
)
def test_a_target_says_what_was_drained(target, code, why, folder):
    result = call_lab("measure", f"evidence_functions:{target}", "--claim", "O(1)", cwd=folder)
    assert result.returncode == code
    assert why in " ".join(result.stdout.split())


def test_the_witness_and_the_warm_up_can_be_chosen(folder):
    words = ("--claim", "O(1)", "--witness", "rss", "--no-warm-up", "--json", "curve.json")
    sizes = ("--sizes", "1000,2000")
    call_lab("measure", "evidence_functions:numbered", *words, *sizes, cwd=folder)
    curve = json.loads((folder / "curve.json").read_text())
    assert (curve["witness"], curve["warm_up"]) == ("rss", False)
    wrong = call_lab("measure", "evidence_functions:numbered", "--witness", "pss", cwd=folder)
    assert wrong.returncode == 2
    assert "unknown witness 'pss': choose heap or rss." in wrong.stderr
