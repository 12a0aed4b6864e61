"""What pytest keeps of a measured body, within bounds, so that it is no growth of the body."""

import logging
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TextIO

import pytest

from lab.plugin.pytest_internals import fixtures_in_use, log_handlers

_LOG = 8_000
"""Last characters of the log that a report shows."""

_WARNINGS = 50
"""Different warnings that are kept."""

_ERRORS = 5
"""Errors in threads, and in finalizers, that are kept; each has a traceback."""


class _LogTail:
    """The stream of a log handler, which keeps the end of what is written."""

    def __init__(self) -> None:
        self._parts: deque[str] = deque()
        self._length = 0
        self._cut = ""

    def write(self, text: str) -> None:
        self._parts.append(text[-_LOG:])
        self._length += len(self._parts[-1])
        while self._length > _LOG and len(self._parts) > 1:
            self._length -= len(self._parts.popleft())
            self._cut = "(only the end of the log is kept while memory is measured)\n"

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def getvalue(self) -> str:
        return self._cut + "".join(self._parts)


@contextmanager
def bounded_records(item: pytest.Item) -> Iterator[None]:
    """Bound what pytest keeps inside the block of the log, of finalizers and of threads.

    A test with the fixture ``caplog`` still gets every record.
    """
    handlers = log_handlers(item.config)
    if handlers:
        by_caplog, by_report = handlers
        by_report.stream = _LogTail()
        by_report.emit = partial(logging.StreamHandler.emit, by_report)  # and keep no record
        if "caplog" not in fixtures_in_use(item):
            by_caplog.emit = lambda _: None
    before = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = _first_calls(before[0]), _first_calls(before[1])
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook = before
        for handler in handlers:
            vars(handler).pop("emit", None)


def keep_every_record(config: pytest.Config) -> None:
    """Let ``caplog`` have every record from now on, also if a body asks for it by its name."""
    for by_caplog in log_handlers(config)[:1]:
        vars(by_caplog).pop("emit", None)


def keep_each_warning_once() -> None:
    """Pass each different warning on only once, until pytest's recording of warnings ends.

    Recordings that begin later, such as those of ``recwarn`` and ``pytest.warns``, get all.
    """
    show, kept = warnings.showwarning, set[Any]()

    def show_once(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        key = (str(message), category, filename, lineno)
        if key not in kept and len(kept) < _WARNINGS:
            kept.add(key)
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = show_once


def _first_calls(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a hook that passes on the first errors, and drops all later ones."""
    calls = iter(range(_ERRORS))

    def first(error: Any) -> None:
        if next(calls, None) is not None:
            hook(error)

    return first
