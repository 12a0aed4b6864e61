"""The requests that a measured application has not finished, which may be after their answer."""

import time
from typing import Any

from lab.measure.memory_cap import MEMORY_ERRORS
from lab.net.application import Asgi

_BACKGROUND = 10.0
"""Seconds for work after the answer, such as background tasks."""


class OpenRequests:
    """Counts the requests that an application is working on; wrap it by `watched`."""

    def __init__(self) -> None:
        self._open = 0

    def watched(self, app: Asgi) -> Asgi:
        """Count requests, and record refusals of memory: a client sees a failed answer only."""

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            counts = int(scope["type"] == "http")
            self._open += counts
            try:
                await app(scope, receive, send)
            except BaseException as error:
                MEMORY_ERRORS.note(error)
                raise
            finally:
                self._open -= counts

        return watched

    def wait(self) -> None:
        """Wait until all have been worked on, their background tasks included."""
        deadline = time.monotonic() + _BACKGROUND
        while self._open and time.monotonic() < deadline:
            time.sleep(0.002)
