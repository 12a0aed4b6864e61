"""The formula of `lab.sizing` held against real peaks, from one client to 32 at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from benchmarks.production_clients import Clients, Crowd
from benchmarks.production_server import Setting, serving, watched
from lab.data.database import database
from lab.errors import LabError
from lab.sizing import fit

CLIENTS = (1, 2, 4, 8, 16, 32)
FITTED = (4, 16)
"""The numbers of clients that the formula is made from; the others test it."""


@dataclass(frozen=True)
class Request:
    """What every client asks for.

    Attributes:
        name: As the report shows it.
        path: Whose last part is the size.
        warm: The same, small.
        upload: Bytes that are sent; 0 to get.
        environment: Of the server.
    """

    name: str
    path: str
    warm: str
    upload: int = 0
    environment: tuple[tuple[str, str], ...] = ()


def requests(naive: int, rows: int, size: int) -> Iterator[Request]:
    """List the requests: exports of so many rows, and files of so many bytes."""
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
        sent = size // 4
        path = f"/{role}/imports/users.csv"
        yield Request(f"upload of {sent / 1e6:.0f} MB, {role}", path, warm, sent)


def peaks(
    request: Request, people: Clients, clients: Sequence[int] = CLIENTS
) -> tuple[int, dict[int, int]]:
    """Return the warm process's size, and its peak at each number of clients, in bytes.

    One server serves the numbers in turn, from the smallest: what a burst leaves behind is used by
    the next, larger one.

    Raises:
        LabError: A client was not served.
    """
    environment = {"MEMORY_LAB_POOL": str(max(clients)), **dict(request.environment)}
    found = {}
    with serving(Setting(environment=environment)) as server:
        people.send(Crowd(server.port, request.warm))
        with watched(server) as seen:
            pass
        base = seen.idle[0]
        for number in clients:
            crowd = Crowd(server.port, request.path, number, hold=True, upload=request.upload)
            _forget_users()
            with watched(server) as seen:
                met = people.send(crowd)
            if not all(one.status == 200 and one.complete for one in met):
                raise LabError(f"{request.name}: of {number} clients not all were served: {met}")
            found[number] = seen.peaks[0]
    return base, found


def run(request: Request, people: Clients, clients: Sequence[int] = CLIENTS) -> dict[str, Any]:
    """Measure one request, and hold the formula against the peaks."""
    base, found = peaks(request, people, clients)
    sizing = fit(base, {number: found[number] for number in FITTED})
    return {
        "name": request.name,
        "base_bytes": base,
        "per_client_bytes": sizing.per_client,
        "most": sizing.most,
        "points": [
            {
                "clients": number,
                "peak_bytes": peak,
                "predicted_bytes": sizing.memory(number),
                "error": sizing.error(number, peak),
                "error_above_base": (
                    sizing.error_above_base(number, peak) if peak > base else None
                ),
            }
            for number, peak in found.items()
        ],
    }


def _forget_users() -> None:
    with database() as engine, engine.begin() as connection:
        connection.execute(text("truncate users"))
