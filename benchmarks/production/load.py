"""How workers, limits, pools and threads change the peak, with all clients at once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.production.clients import ClientGroup, ClientProcess, ClientResult
from benchmarks.production.server import Setting, serving, watched

LIMITED = "benchmarks.production.app:app"


@dataclass(frozen=True)
class Case:
    """One server and one group of clients.

    Attributes:
        scenario: The table that the case belongs to.
        name: The setting, as the report shows it.
        setting: How the server is started.
        role: The variant of the CSV export; ``def`` is a naive export that an ordinary ``def``
            endpoint returns, without a generator.
        clients: Clients at once.
        gap: Seconds between one client and the next.
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


def run(case: Case, clients: ClientProcess, rows: int) -> dict[str, Any]:
    """Run one case; all clients are in the middle of their answers, or refused, at one moment."""
    path = f"/{case.role}/posts/export.csv?rows="
    with serving(case.setting) as server:
        clients.send(ClientGroup(server.port, f"{path}100"))
        with watched(server) as memory:
            group = ClientGroup(server.port, f"{path}{rows}", case.clients, hold=True, gap=case.gap)
            results = clients.send(group)
    return {
        "scenario": case.scenario,
        "name": case.name,
        "role": case.role,
        "rows": rows,
        "clients": case.clients,
        "idle_bytes": sum(memory.idle),
        "peak_bytes": sum(memory.peaks),
        "fullest_bytes": max(memory.peaks),
        "rss_bytes": memory.rss,
        "pss_bytes": memory.pss,
        "virtual_bytes": memory.virtual,
        **count_answers(results),
    }


def count_answers(results: list[ClientResult]) -> dict[str, Any]:
    """Count the kinds of answers; the seconds are the longest wait for an answer's head."""
    statuses = Counter(result.status for result in results)
    return {
        "whole": sum(result.complete and result.status == 200 for result in results),
        "cut": sum(not result.complete and result.status == 200 for result in results),
        "busy": statuses[503],
        "told_when": sum(result.retry_after for result in results),
        "refused": sum(result.refused for result in results),
        "dropped": sum(result.status == 0 and not result.refused for result in results),
        "longest_wait_seconds": max(result.seconds for result in results),
    }
