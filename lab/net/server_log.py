"""The error log of a server under measurement: why it did not start, or why it answered 500."""

import logging
import sys
from collections import deque

READY = "memory-lab: the application answers"
"""A line of a server's output: an application may silence that of uvicorn."""

_KEPT = 40
"""Lines that are kept; they are few because they count as the server's memory."""

_SHOWN = 12
"""Last lines that an error shows."""


class ServerLog(logging.Handler):
    """Keeps the last lines of uvicorn's error log while the block lasts.

    Args:
        printed: Whether to print each line to standard error as well.

    Attributes:
        reason: The last line of the first traceback; empty if there was none.
    """

    def __init__(self, printed: bool) -> None:
        super().__init__(logging.ERROR)
        self._printed = printed
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self.reason = ""

    def __enter__(self) -> "ServerLog":
        self.attach()
        return self

    def attach(self) -> None:
        """Get the records of uvicorn's error log, also after an application set up all loggers."""
        logger = logging.getLogger("uvicorn.error")
        logger.addHandler(self)
        logger.disabled = False

    def __exit__(self, *_: object) -> None:
        logging.getLogger("uvicorn.error").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; the reason is the first error, because later ones may follow from it."""
        lines = self.format(record).rstrip().splitlines()
        self._lines.extend(lines)
        if len(lines) > 1:
            self.reason = self.reason or _error_line(lines)
        if self._printed:
            print(*lines, sep="\n", file=sys.stderr)

    def clear(self) -> None:
        """Delete all lines so far and the reason."""
        self._lines.clear()
        self.reason = ""

    @property
    def first(self) -> str:
        """The first of the lines that are kept; empty if there is none."""
        return next(iter(self._lines), "").strip()

    @property
    def end(self) -> str:
        """The last `_SHOWN` lines."""
        return "\n".join(list(self._lines)[-_SHOWN:])


def _error_line(lines: list[str]) -> str:
    """Return the last line of a traceback, without the border around an exception group."""
    stripped = (line.strip(" |+-") for line in reversed(lines))
    return next((line for line in stripped if line), "")
