"""An endpoint that returns the resources in use by the server, for load tests.

All values are read for each request; nothing is stored or counted in between. So a request costs a
server under load a few milliseconds and no memory.
"""

import psutil
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.pool import QueuePool

from lab.net.server import established

router = APIRouter()


class Vitals(BaseModel):
    """Resources in use by a server process.

    Attributes:
        pid: Id of the process that answered, which is one of several under ``--workers``.
        resident_bytes: Resident set.
        connections: TCP connections of clients.
        descriptors: Open files, sockets and pipes.
        threads: Threads, including idle ones.
        pool_size: Maximum connections of the database pool.
        pool_in_use: Connections of the pool in use.
    """

    pid: int
    resident_bytes: int
    connections: int
    descriptors: int
    threads: int
    pool_size: int
    pool_in_use: int


@router.get("/vitals", tags=["load"])
async def vitals(request: Request) -> Vitals:
    """Return the resources in use; runs on the event loop, since all threads may be busy."""
    pool = request.app.state.store.engine.pool
    assert isinstance(pool, QueuePool)
    process = psutil.Process()
    with process.oneshot():
        return Vitals(
            pid=process.pid,
            resident_bytes=process.memory_info().rss,
            connections=len(established(process)),
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            pool_size=pool.size(),
            pool_in_use=pool.checkedout(),
        )
