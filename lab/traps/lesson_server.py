"""A server with the lesson's endpoints, shared by the traps about streamed responses."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, text

from lab.data.database import database
from lab.net.client import Received, request
from lab.net.server import Server, running

CHUNK = 65_536
"""Bytes of a chunk in the streams of `lab.traps.apps.lesson_app`."""

TIMEOUT = 5.0
"""Seconds without data after which a client gives up."""

WAYS = ("plain", "owned")
"""Paths of the same stream: sent by `StreamingResponse`, and by `OwningResponse`."""


@dataclass(frozen=True)
class LessonServer:
    """A server with the lesson's endpoints, and its connections as PostgreSQL sees them."""

    server: Server
    engine: Engine

    def get(self, path: str, **options: float | int | None) -> Received:
        """Send a GET request; the status is 0 if there is no answer."""
        try:
            return request(self.server.url + path, timeout=TIMEOUT, **options)  # type: ignore[arg-type]
        except OSError:
            return Received(0)

    def made(self, name: str) -> int:
        """Return the number of chunks that streams of this name have made."""
        return int(self.get(f"/made/{name}").body or 0)

    def open_transactions(self) -> int:
        """Count the server's connections that are idle in a transaction."""
        query = text(
            "select count(*) from pg_stat_activity"
            " where application_name = :name and state like 'idle in transaction%'"
        )
        with self.engine.connect() as connection:
            return int(connection.scalar(query, {"name": f"memory-lab-{self.server.pid}"}) or 0)

    def open_after(self, seconds: float) -> int:
        """Wait up to ``seconds`` for the count of open transactions to be 0, and return it."""
        deadline = time.monotonic() + seconds
        while (count := self.open_transactions()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return count


@contextmanager
def lesson_server(app: str = "app") -> Iterator[LessonServer]:
    """Start an application of `lab.traps.apps.lesson_app` on a new server; stop it at the end."""
    with database() as engine, running(f"lab.traps.apps.lesson_app:{app}") as server:
        yield LessonServer(server, engine)
