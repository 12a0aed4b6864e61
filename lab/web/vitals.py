"""What the server has in use just now, for those who put load on it.

Nothing here is kept or counted on the way: it is read when it is asked for, so that the question
costs a server under load some milliseconds and no memory.
"""

import psutil
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.pool import QueuePool

from lab.server import established

router = APIRouter()


class Vitals(BaseModel):
    """What a server process has in use.

    Attributes:
        pid: The process that answered; one of several, under ``--workers``.
        resident_bytes: Its resident set.
        connections: TCP connections that clients have to it.
        descriptors: Open files, sockets and pipes.
        threads: Threads, those that wait for work included.
        pool_size: Connections to the database that may be taken at once.
        pool_in_use: Those that are taken.
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
    """Tell what this process has in use; on the event loop, since the threads may all be taken."""
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
