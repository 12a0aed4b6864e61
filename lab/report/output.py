"""The terminal's streams: they never fail, so that no output can cost a file or an exit code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO


class Output:
    """A stream that escapes what it cannot encode, and drops what it cannot write.

    Attributes:
        error: Why the rest of the output was dropped, or None.
    """

    def __init__(self, stream: TextIO | None) -> None:
        if stream is None:  # the shell closed it; no other file may take its place
            stream = open(os.devnull, "w")  # noqa: SIM115 - it stays open until the end
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        with self._dropping():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._dropping():
            self._stream.flush()

    @property
    def problem(self) -> str:
        """One sentence about an error; empty if there was none, or the reader closed the pipe."""
        if self.error is None or isinstance(self.error, BrokenPipeError):
            return ""
        return f"cannot write the output: {self.error.strerror}."

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = error
            # What is still in the buffer is written when the interpreter ends.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
