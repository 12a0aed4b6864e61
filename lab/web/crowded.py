"""The lab's application with room for a crowd: a connection for every client, and a token."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.measure.endpoint import open_endpoint
from lab.pattern import Outcome
from lab.tokens import token


@contextmanager
def open_crowded(
    endpoint: dict[str, Any], size: int, connections: int
) -> Iterator[Callable[[], Outcome]]:
    """Do as `open_endpoint` does, for an application of the lab's.

    Args:
        endpoint: The fields of an `Endpoint`.
        size: How many clients there are.
        connections: Those of its pool, which is made when the server starts with the warm-up. With
            fewer than there are clients the others would be sent away, or stand in line.
    """
    os.environ["MEMORY_LAB_POOL"] = str(connections)
    headers = {**endpoint["headers"], "Authorization": f"Bearer {token()}"}
    with open_endpoint({**endpoint, "headers": headers}, size) as call:
        yield call
