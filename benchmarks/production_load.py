"""What workers, limits, pools and threads do to the peak, with clients that all come at once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.production_clients import Clients, Crowd, Met
from benchmarks.production_server import Setting, serving, watched

LIMITED = "benchmarks.production_app:app"


@dataclass(frozen=True)
class Case:
    """One server under one crowd.

    Attributes:
        scenario: The table it belongs to.
        name: The setting, as the report shows it.
        setting: How the server is started.
        role: The variant of the CSV export that is asked for; ``def`` is a naive one that is
            returned by an ordinary endpoint, and no generator.
        clients: How many ask at once.
        gap: Seconds between one and the next.
    """

    scenario: str
    name: str
    setting: Setting
    role: str
    clients: int
    gap: float = 0.0


def cases() -> Iterator[Case]:
    """List all cases, in the order of the report's tables."""
    yield from _workers()
    yield from _limits()
    for pool in (2, 5, 10, 20):
        yield from _roles("pool", f"{pool}", Setting(environment=_pool(pool)), 20)
    for threads in (10, 40, 100):
        environment = {"THREADS": f"{threads}", **_pool(40)}
        setting = Setting(environment=environment, app=LIMITED)
        yield Case("threads", f"{threads}", setting, "def", 40)
        yield from _roles("threads", f"{threads}", setting, 40)


def _workers() -> Iterator[Case]:
    pool = _pool(16)
    for workers in (1, 2, 4):
        setting = Setting(workers=workers, environment=pool)
        yield from _roles("workers", f"uvicorn, {workers}", setting, 16)
    forked = Setting("gunicorn", 4, environment=pool)
    yield from _roles("workers", "gunicorn, 4", forked, 16)
    preloaded = replace(forked, options=("--preload",))
    yield from _roles("workers", "gunicorn --preload, 4", preloaded, 16)


def _limits() -> Iterator[Case]:
    limit = ("--limit-concurrency", "4")
    for name, options in (("off", ()), ("4", limit)):
        setting = Setting(options=options, environment=_pool(16))
        yield from _roles("limit", name, setting, 16)
    setting = Setting(options=limit, environment=_pool(16))
    yield from (
        replace(case, gap=0.05) for case in _roles("limit", "4, one after another", setting, 16)
    )


def _roles(scenario: str, name: str, setting: Setting, clients: int) -> Iterator[Case]:
    for role in ("naive", "streaming"):
        yield Case(scenario, name, setting, role, clients)


def _pool(size: int) -> dict[str, str]:
    return {"MEMORY_LAB_POOL": str(size)}


def run(case: Case, people: Clients, rows: int) -> dict[str, Any]:
    """Run one case; every client is in mid-answer, or refused, before the first one goes on."""
    path = f"/{case.role}/posts/export.csv?rows="
    with serving(case.setting) as server:
        people.send(Crowd(server.port, f"{path}100"))
        with watched(server) as seen:
            crowd = Crowd(server.port, f"{path}{rows}", case.clients, hold=True, gap=case.gap)
            met = people.send(crowd)
    return {
        "scenario": case.scenario,
        "name": case.name,
        "role": case.role,
        "rows": rows,
        "clients": case.clients,
        "idle_bytes": sum(seen.idle),
        "peak_bytes": sum(seen.peaks),
        "fullest_bytes": max(seen.peaks),
        "rss_bytes": seen.rss,
        "pss_bytes": seen.pss,
        "virtual_bytes": seen.virtual,
        **answers(met),
    }


def answers(met: list[Met]) -> dict[str, Any]:
    """Count what became of the clients; seconds are the longest wait for an answer's head."""
    statuses = Counter(one.status for one in met)
    return {
        "whole": sum(one.complete and one.status == 200 for one in met),
        "cut": sum(not one.complete and one.status == 200 for one in met),
        "busy": statuses[503],
        "told_when": sum(one.retry_after for one in met),
        "refused": sum(one.refused for one in met),
        "dropped": sum(one.status == 0 and not one.refused for one in met),
        "longest_wait_seconds": max(one.seconds for one in met),
    }
