"""How much memory recycling of workers gives back, and which answers it costs."""

import time
from dataclasses import replace
from typing import Any

from benchmarks.production.clients import ClientGroup, ClientProcess
from benchmarks.production.load import count_answers
from benchmarks.production.server import Setting, of_worker, serving

REST = 0.5
"""Seconds after an answer; a worker checks its number of requests every tenth of a second."""

UVICORN = ("--limit-max-requests",)
GUNICORN = ("--max-requests",)


def fat(limit: int) -> tuple[tuple[str, Setting], ...]:
    """List the servers that get large naive requests; their workers end after ``limit`` of them."""
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
    name: str, setting: Setting, clients: ClientProcess, rows: int, requests: int
) -> dict[str, Any]:
    """Request one large naive answer after another, and measure the resident set after each."""
    path = "/naive/posts/export.csv?rows="
    with serving(replace(setting, own_socket=True)) as server:
        before = sum(of_worker("VmRSS", pid) for pid in server.workers())
        after, results = [], []
        for _ in range(requests):
            results += clients.send(ClientGroup(server.port, f"{path}{rows}"))
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
        **count_answers(results),
    }


def in_flight(limit: int, patience: int) -> tuple[tuple[str, Setting], ...]:
    """List the servers whose workers are recycled while clients read streams.

    Args:
        limit: Requests after which a worker ends.
        patience: Seconds that the time-out options are set to, fewer than the streams take.
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
    name: str,
    setting: Setting,
    readers: ClientProcess,
    others: ClientProcess,
    size: int,
    seconds: float,
) -> dict[str, Any]:
    """Let slow readers download a file while other clients use up the worker's requests."""
    path = f"/streaming/downloads/download-{size}.bin"
    pause = seconds / (size / 65_536)
    with serving(replace(setting, own_socket=True)) as server:
        readers.begin(ClientGroup(server.port, path, 4, pause=pause))
        time.sleep(0.3)  # all readers have their first block when the others start
        short = "/tuned/posts/export.csv?rows=10"
        other_results = others.send(ClientGroup(server.port, short, 60, gap=seconds / 80))
        streams = readers.end()
    return {
        "name": name,
        "size": size,
        "seconds": seconds,
        "streams": count_answers(streams),
        "others": count_answers(other_results),
    }
