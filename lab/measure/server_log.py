"""What a server under measurement says of its errors: why it did not start, or answered 500."""

import logging
from collections import deque

_KEPT = 40
"""Lines that are kept: the server is being measured."""
_SHOWN = 12


class ServerLog(logging.StreamHandler):  # type: ignore[type-arg]
    """Keeps the end of what uvicorn logs as errors while the block lasts, and passes it on."""

    def __init__(self) -> None:
        super().__init__()
        self.setLevel(logging.ERROR)
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self.reason = ""
        """What was raised, in a line; empty where nothing was."""

    def __enter__(self) -> "ServerLog":
        logging.getLogger("uvicorn.error").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("uvicorn.error").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is logged; the first thing that is raised is what the rest follows from."""
        lines = self.format(record).rstrip().splitlines()
        self._lines.extend(lines)
        if len(lines) > 1:
            self.reason = self.reason or _last_words(lines)
        super().emit(record)

    def clear(self) -> None:
        """Forget what has been logged so far."""
        self._lines.clear()
        self.reason = ""

    @property
    def end(self) -> str:
        """The last lines, over several lines of text."""
        return "\n".join(list(self._lines)[-_SHOWN:])


def _last_words(lines: list[str]) -> str:
    """Return the last line of a traceback, out of the frame that a group of errors is drawn in."""
    words = (line.strip(" |+-") for line in reversed(lines))
    return next((line for line in words if line), "")
