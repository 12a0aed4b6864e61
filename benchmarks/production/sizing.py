"""Compare the formula for the memory of a server with measured peaks, from 1 to 32 clients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from benchmarks.production.clients import ClientGroup, ClientProcess
from benchmarks.production.server import Setting, serving, watched
from lab.data.database import database
from lab.errors import LabError
from lab.load.memory_formula import fit

CLIENTS = (1, 2, 4, 8, 16, 32)
FITTED = (4, 16)
"""The numbers of clients that the formula is fitted to; the others test it."""


@dataclass(frozen=True)
class Request:
    """The request that every client sends.

    Attributes:
        name: Its name in the report.
        path: Path; its last part is the size.
        warm: Path of a small request that warms the server.
        upload: Bytes that are sent; 0 for a GET.
        environment: Environment variables of the server.
    """

    name: str
    path: str
    warm: str
    upload: int = 0
    environment: tuple[tuple[str, str], ...] = ()


def requests(naive: int, rows: int, size: int) -> Iterator[Request]:
    """List the requests.

    Args:
        naive: Rows of a naive export.
        rows: Rows of the other exports.
        size: Bytes of a download; an upload has a quarter of them.
    """
    for role, count in (("naive", naive), ("streaming", rows), ("tuned", rows)):
        path = f"/{role}/posts/export.csv?rows="
        yield Request(f"export of {count:,} rows, {role}", f"{path}{count}", f"{path}100")
    two = (("MALLOC_ARENA_MAX", "2"),)
    path = "/naive/posts/export.csv?rows="
    label = f"export of {naive:,} rows, naive, MALLOC_ARENA_MAX=2"
    yield Request(label, f"{path}{naive}", f"{path}100", environment=two)
    warm = "/posts/export.csv?rows=100"
    for role in ("naive", "tuned"):
        path = f"/{role}/downloads/download-{size}.bin"
        yield Request(f"download of {size / 1e6:.0f} MB, {role}", path, warm)
    for role in ("naive", "tuned"):
        upload = size // 4
        path = f"/{role}/imports/users.csv"
        yield Request(f"upload of {upload / 1e6:.0f} MB, {role}", path, warm, upload)


def peaks(
    request: Request, clients: ClientProcess, counts: Sequence[int] = CLIENTS
) -> tuple[int, dict[int, int]]:
    """Return the resident set of the warm process, and its peak by number of clients, in bytes.

    One server serves the numbers in turn, from the smallest: the memory that a burst leaves behind
    is reused by the next, larger one.

    Raises:
        LabError: A client got no complete answer.
    """
    environment = {"MEMORY_LAB_POOL": str(max(counts)), **dict(request.environment)}
    by_count = {}
    with serving(Setting(environment=environment)) as server:
        clients.send(ClientGroup(server.port, request.warm))
        with watched(server) as memory:
            pass
        base = memory.idle[0]
        for count in counts:
            group = ClientGroup(server.port, request.path, count, hold=True, upload=request.upload)
            _delete_users()
            with watched(server) as memory:
                results = clients.send(group)
            if not all(result.status == 200 and result.complete for result in results):
                raise LabError(
                    f"{request.name}: not all of {count} clients got an answer: {results}"
                )
            by_count[count] = memory.peaks[0]
    return base, by_count


def run(
    request: Request, clients: ClientProcess, counts: Sequence[int] = CLIENTS
) -> dict[str, Any]:
    """Measure one request, and compare the formula with its peaks."""
    base, by_count = peaks(request, clients, counts)
    sizing = fit(base, {count: by_count[count] for count in FITTED})
    return {
        "name": request.name,
        "base_bytes": base,
        "per_client_bytes": sizing.per_client,
        "most": sizing.most,
        "points": [
            {
                "clients": count,
                "peak_bytes": peak,
                "predicted_bytes": sizing.memory(count),
                "error": sizing.error(count, peak),
                "error_above_base": sizing.error_above_base(count, peak) if peak > base else None,
            }
            for count, peak in by_count.items()
        ],
    }


def _delete_users() -> None:
    with database() as engine, engine.begin() as connection:
        connection.execute(text("truncate users"))
