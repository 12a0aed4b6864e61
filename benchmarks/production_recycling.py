"""What recycling gives back, and whom it costs an answer."""

import time
from dataclasses import replace
from typing import Any

from benchmarks.production_clients import Clients, Crowd
from benchmarks.production_load import answers
from benchmarks.production_server import Setting, of_worker, serving

REST = 0.5
"""Seconds after an answer: a worker that has had enough looks for it every tenth of a second."""

UVICORN = ("--limit-max-requests",)
GUNICORN = ("--max-requests",)


def fat(limit: int) -> tuple[tuple[str, Setting], ...]:
    """List the servers that are sent large naive answers; they end after so many."""
    count = (f"{limit}",)
    return (
        ("uvicorn, never recycled", Setting()),
        ("the same, MALLOC_ARENA_MAX=2", Setting(environment={"MALLOC_ARENA_MAX": "2"})),
        (f"uvicorn, 1 worker, {limit}", Setting(options=UVICORN + count)),
        (f"uvicorn, 2 workers, {limit}", Setting(workers=2, options=UVICORN + count)),
        (f"gunicorn, 1 worker, {limit}", Setting("gunicorn", options=GUNICORN + count)),
        (f"gunicorn, 2 workers, {limit}", Setting("gunicorn", 2, GUNICORN + count)),
    )


def run_fat(
    name: str, setting: Setting, people: Clients, rows: int, requests: int
) -> dict[str, Any]:
    """Send one large naive answer after another, and note the resident set after each."""
    path = "/naive/posts/export.csv?rows="
    with serving(replace(setting, own_socket=True)) as server:
        before = sum(of_worker("VmRSS", pid) for pid in server.workers())
        after, met = [], []
        for _ in range(requests):
            met += people.send(Crowd(server.port, f"{path}{rows}"))
            time.sleep(REST)
            after.append(sum(of_worker("VmRSS", pid) for pid in server.workers()))
        started = len(server.started())
    return {
        "name": name,
        "rows": rows,
        "requests": requests,
        "before_bytes": before,
        "after_bytes": after,
        "processes": started,
        **answers(met),
    }


def in_flight(limit: int, patience: int) -> tuple[tuple[str, Setting], ...]:
    """List the servers that recycle while streams are being read.

    Args:
        limit: Requests after which a worker ends.
        patience: Seconds that a server is told to wait, fewer than the streams take.
    """
    count = (f"{limit}",)
    graceful = ("--timeout-graceful-shutdown", f"{patience}")
    killed = ("--timeout", f"{patience}")
    return (
        ("uvicorn, 2 workers, never recycled", Setting(workers=2)),
        ("uvicorn, 1 worker", Setting(options=UVICORN + count)),
        ("uvicorn, 2 workers", Setting(workers=2, options=UVICORN + count)),
        (
            f"uvicorn, 2 workers, --timeout-graceful-shutdown {patience}",
            Setting(workers=2, options=UVICORN + count + graceful),
        ),
        ("gunicorn, 1 worker", Setting("gunicorn", 1, GUNICORN + count)),
        ("gunicorn, 2 workers", Setting("gunicorn", 2, GUNICORN + count)),
        (
            f"gunicorn, 2 workers, --timeout {patience}",
            Setting("gunicorn", 2, GUNICORN + count + killed),
        ),
    )


def run_in_flight(
    name: str, setting: Setting, readers: Clients, others: Clients, size: int, seconds: float
) -> dict[str, Any]:
    """Let slow readers download a file while others use the worker's requests up."""
    path = f"/streaming/downloads/download-{size}.bin"
    pause = seconds / (size / 65_536)
    with serving(replace(setting, own_socket=True)) as server:
        readers.begin(Crowd(server.port, path, 4, pause=pause))
        time.sleep(0.3)  # they are all being served when the others come
        short = Crowd(server.port, "/tuned/posts/export.csv?rows=10", 60, gap=seconds / 80)
        others_met = others.send(short)
        streams = readers.end()
    return {
        "name": name,
        "size": size,
        "seconds": seconds,
        "streams": answers(streams),
        "others": answers(others_met),
    }
