"""Survival: a run that may take so many bytes more than its process is warm with, and no more.

The cap is RLIMIT_DATA, set after the warm-up: the kernel then refuses to give the process more
writable memory, Python raises MemoryError, and the process may well live on, as a server does that
answers 500. It is not an out-of-memory kill. RLIMIT_AS would count mapped libraries as well. Each
thread that is started under the cap counts with its whole stack, 8 MB by default.
"""

import errno
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab.errors import LabError
from lab.linux import return_free_memory, status
from lab.measure import progress
from lab.pattern import Outcome

PROGRESS = "progress"
"""The file in the scratch folder that keeps how far the run has got."""

_SIGNS = ("memoryerror", "out of memory", "cannot allocate memory", "can't start new thread")

Fate = Literal["finished", "out of memory", "killed", "timed out"]


@dataclass(frozen=True)
class Survival:
    """What became of a run under a cap.

    Attributes:
        outcome: ``finished``, ``out of memory``, ``killed`` or ``timed out``.
        items: Items that had come out before the end; bytes of the answer, for a request.
        seconds: From the start of the process to its end.
        reason: What the run, or its process, ended with; empty when it finished.
        digest: What it answered; empty where it did not finish.
    """

    outcome: Fate
    items: int
    seconds: float
    reason: str = ""
    digest: str = ""

    def __bool__(self) -> bool:
        return self.outcome == "finished"


class _Shortages:
    """Whether memory was refused anywhere in this process, a server's threads included."""

    def __init__(self) -> None:
        self.first: BaseException | None = None

    def note(self, error: BaseException) -> None:
        """Take in an error that somebody else will answer for."""
        self.first = self.first or shortage(error)


SHORTAGES = _Shortages()


def require_caps() -> None:
    """Check that this platform can hold a process to a cap.

    Raises:
        LabError: It cannot.
    """
    if sys.platform != "linux":
        raise LabError(
            f"{sys.platform} does not hold a process to RLIMIT_DATA, so nothing can be run under "
            "a cap here: do that on Linux."
        )


def under_cap(cap: int, run: Callable[[], Outcome], scratch: Path) -> dict[str, Any]:
    """Run a call under a cap; return what became of it as the parent wants it.

    What the call raises for any other reason than a lack of memory is raised.
    """
    progress.keep(scratch / PROGRESS)
    return_free_memory()
    try:
        with _capped(cap):
            outcome = run()
    except BaseException as error:
        SHORTAGES.note(error)
        if SHORTAGES.first is None:
            raise
        what = f"{type(SHORTAGES.first).__name__}: {SHORTAGES.first}".removesuffix(": ").strip()
        return {"outcome": "out of memory", "reason": what.splitlines()[0]}
    if "items" in outcome.counts:
        progress.reached(outcome.counts["items"])
    return {"outcome": "finished", "reason": "", "digest": outcome.digest}


@contextmanager
def _capped(cap: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (status("VmData") + cap, before[1]))
    try:
        yield
    finally:
        # Or there might be too little to say what happened.
        resource.setrlimit(resource.RLIMIT_DATA, before)


def hold(pid: int, cap: int) -> None:
    """Hold a process of ours to so many bytes more than it has now."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
    wanted = status("VmData", pid) + cap
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.prlimit(pid, resource.RLIMIT_DATA, (wanted, hard))


def shortage(error: BaseException) -> BaseException | None:
    """Return what in an error, its causes, or its group says that memory was refused, if anything.

    libpq says "out of memory" by way of a database error, the C library by ENOMEM, and a thread
    that has no room for its stack cannot be started.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if _says_shortage(one):
            return one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return None


def _says_shortage(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return text_says_shortage(str(error))


def text_says_shortage(text: str) -> bool:
    """Tell whether a message, or what a process wrote, says that memory was refused."""
    said = text.lower()
    return any(sign in said for sign in _SIGNS)
