"""Compare an endpoint with a limit: uvicorn in one process, its clients in another."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from benchmarks.compare import Compare
from benchmarks.fetch import fetch
from benchmarks.limit import Limited, at_once
from benchmarks.report.comparisons import HTTP
from lab.data.database import database
from lab.data.seed import build, drop
from lab.endpoints.routes import served_variants
from lab.endpoints.tokens import token
from lab.net.client import request
from lab.net.server import Server, reset_high_water_mark, running
from lab.pattern import Pattern, Role, Variant
from lab.system.linux import status

WARM = {"rows": 1_000, "bytes": 1_000_000}
"""Sizes of the warm-up request, unless half of the measured size is smaller."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint in every role that its pattern has a variant for.

    Attributes:
        pattern: The pattern whose variants are served.
        path: Path without the role's prefix, with ``{n}`` for the size.
        limit: Opens the limit that it is compared with.
        tuned, streaming, naive: Sizes along the pattern's first axis, as for a suite.
        file: Creates the file of a download or upload; None for neither.
        upload: Whether the file is uploaded.
        alike: Whether the bodies of all roles are the same bytes.
    """

    pattern: Pattern
    path: str
    limit: Limited
    tuned: int
    streaming: int
    naive: int
    file: Callable[[int], Path] | None = None
    upload: bool = False
    alike: bool = True

    @property
    def title(self) -> str:
        """The endpoint's name in the report."""
        return f"{self.pattern.name}{HTTP}"

    @property
    def axis(self) -> str:
        """The unit of the sizes: the pattern's first axis."""
        return next(iter(self.pattern.axes))

    def roles(self) -> Iterator[tuple[Role, Variant]]:
        """List the compared roles, each with the variant that is served."""
        for prefix, variant in served_variants(self.pattern, ("naive", "streaming", "tuned")):
            if prefix:
                yield variant.role, variant


def comparisons(endpoints: tuple[Endpoint, ...]) -> Iterator[pytest.ParameterSet]:
    """List the comparisons; `make bench` runs those without a mark."""
    for endpoint in endpoints:
        for role, variant in endpoint.roles():
            for clients in (1,) if endpoint.upload else (1, 8):
                tuned_alone = role == "tuned" and clients == 1
                yield pytest.param(
                    endpoint,
                    variant,
                    clients,
                    id=f"{endpoint.pattern.name}-{variant.name}-{clients}",
                    marks=[] if tuned_alone else [pytest.mark.http],
                )


def compare_over_http(compare: Compare, endpoint: Endpoint, variant: Variant, clients: int) -> None:
    """Compare one endpoint with its limit, and record the rise of its server's resident set."""
    size = getattr(endpoint, variant.role) // compare.scale
    path = f"/{variant.role}{endpoint.path}"
    warm = min(WARM[endpoint.axis], size // 2)
    for file_size in (size, warm) if endpoint.file else ():
        endpoint.file(file_size)
    with ExitStack() as stack:
        if endpoint.upload:
            stack.enter_context(_own_schema())  # of the limit as well
        server = stack.enter_context(_server(clients))
        limit = stack.enter_context(at_once(endpoint.limit, clients)(size))
        _check_answer(server, endpoint, variant)
        _send(server, endpoint, path, warm, clients)
        before = reset_high_water_mark(server.pid)

        @contextmanager
        def opened() -> Iterator[Callable[[], int]]:
            if endpoint.upload:
                _delete_users()
            yield lambda: _send(server, endpoint, path, size, clients)

        with opened() as run:  # also a warm-up at full size
            start = time.perf_counter()
            run()
        compare.turns(limit, opened, time.perf_counter() - start)
        rise = status("VmHWM", server.pid) - before
    compare.note(
        suite=endpoint.title,
        pattern=endpoint.pattern.name,
        variant=variant.name,
        role=variant.role,
        label=variant.label,
        axis=endpoint.axis,
        size=size,
        clients=clients,
        peak_rss_bytes=rise,
    )


def _send(server: Server, endpoint: Endpoint, path: str, size: int, clients: int) -> int:
    upload = endpoint.file(size) if endpoint.file and endpoint.upload else None
    return fetch(server.url + path.replace("{n}", str(size)), upload, clients)


def _check_answer(server: Server, endpoint: Endpoint, variant: Variant) -> None:
    """Compare a small answer with the streaming role's; for an import, the rows of the table."""
    size = WARM[endpoint.axis]
    answers = []
    for role in (variant.role, "streaming"):
        path = f"/{role}{endpoint.path}".replace("{n}", str(size))
        if endpoint.upload:
            _delete_users()
            _send(server, endpoint, f"/{role}{endpoint.path}", size, 1)
            answers.append(_users())
        elif endpoint.alike:
            if endpoint.file:
                endpoint.file(size)
            received = request(server.url + path, headers={"Authorization": f"Bearer {token()}"})
            answers.append(f"{received.status} {received.digest}")
    assert len(set(answers)) <= 1, answers
    if endpoint.upload:
        _delete_users()


@contextmanager
def _server(clients: int) -> Iterator[Server]:
    with running("lab.web.app:app", {"MEMORY_LAB_POOL": str(clients)}) as server:
        yield server


@contextmanager
def _own_schema() -> Iterator[None]:
    """Create a schema with an empty table of users, and drop it after the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
        with database() as engine:
            build(engine, 1)
            try:
                yield
            finally:
                drop(engine)


def _users() -> str:
    """Return the number and a digest of the users; fail if there are none."""
    query = (
        "select count(*), sum(hashtextextended((email, name, age, can_export)::text, 0)) from users"
    )
    with database() as engine, engine.connect() as connection:
        count, digest = connection.execute(text(query)).one()
    assert count
    return f"{count} {digest}"


def _delete_users() -> None:
    with database() as engine, engine.begin() as connection:
        connection.execute(text("truncate users"))
