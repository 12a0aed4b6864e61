"""The lab's application for many clients: a pool of connections for all of them, and a token."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.endpoints.tokens import token
from lab.measure.http.endpoint import open_endpoint
from lab.outcome import Outcome


@contextmanager
def open_crowded(
    endpoint: dict[str, Any], size: int, connections: int
) -> Iterator[Callable[[], Outcome]]:
    """Open an endpoint of the lab's application as `open_endpoint` does, with a token.

    Args:
        endpoint: The fields of an `Endpoint`.
        size: Number of clients.
        connections: Size of the application's pool, which is created when the server starts for the
            warm-up. With fewer connections than clients, some would wait or get a 503.
    """
    os.environ["MEMORY_LAB_POOL"] = str(connections)
    headers = {**endpoint["headers"], "Authorization": f"Bearer {token()}"}
    with open_endpoint({**endpoint, "headers": headers}, size) as call:
        yield call
