"""Memory caps: a run that may take a number of bytes over its warm process, and no more.

The cap is RLIMIT_DATA, set after the warm-up. The kernel then refuses to give the process more
writable memory and Python raises MemoryError. This is not an out-of-memory kill: the process may
survive it, for example a server that answers 500. RLIMIT_AS would also count mapped libraries.
Each thread that is started under the cap counts with its whole stack, 8 MB by default.
"""

import errno
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.errors import LabError
from lab.measure import run_progress
from lab.outcome import Outcome
from lab.system.linux import return_free_memory, status

PROGRESS = "progress"
"""The file in the scratch folder that contains the progress of the run."""

_MESSAGES = ("memoryerror", "out of memory", "cannot allocate memory", "can't start new thread")

CapOutcome = Literal["finished", "out of memory", "killed", "timed out"]


@dataclass(frozen=True)
class Survival:
    """The result of a run under a cap; true if it finished.

    Attributes:
        outcome: ``finished``, ``out of memory``, ``killed`` or ``timed out``.
        items: Items delivered before the end; for a request, bytes of the answer.
        seconds: From the start of the process to its end.
        reason: The error of the run or the end of its process; empty if it finished.
        digest: The digest of its answer; empty if it did not finish.
    """

    outcome: CapOutcome
    items: int
    seconds: float
    reason: str = ""
    digest: str = ""

    def __bool__(self) -> bool:
        return self.outcome == "finished"


class _MemoryErrors:
    """The first refusal of memory in this process, also in a server's threads.

    Attributes:
        first: The error that says so, or None.
    """

    def __init__(self) -> None:
        self.first: BaseException | None = None

    def note(self, error: BaseException) -> None:
        """Record an error that other code handles, if it says that memory was refused."""
        self.first = self.first or memory_error(error)


MEMORY_ERRORS = _MemoryErrors()


def require_caps() -> None:
    """Raise an error unless this platform can limit the memory of a process.

    Raises:
        LabError: It cannot.
    """
    if sys.platform != "linux":
        raise LabError(
            f"{sys.platform} does not enforce RLIMIT_DATA, so nothing can be run under a cap "
            "here: use Linux."
        )


def under_cap(
    cap: int, run: Callable[[], Outcome], scratch: Path
) -> tuple[Literal["finished", "out of memory"], str, str]:
    """Run a call under a cap; return the outcome, the reason and the digest of its answer.

    Args:
        cap: Bytes over the memory that the process has now.
        run: The call.
        scratch: A folder for the file of its progress.

    Returns:
        The reason is empty for ``finished``, the digest is empty for ``out of memory``. All errors
        except a lack of memory are raised.
    """
    run_progress.keep(scratch / PROGRESS)
    return_free_memory()
    try:
        with _capped(cap):
            outcome = run()
    except BaseException as error:
        MEMORY_ERRORS.note(error)
        if MEMORY_ERRORS.first is None:
            raise
        first = MEMORY_ERRORS.first
        what = f"{type(first).__name__}: {first}".removesuffix(": ").strip()
        return "out of memory", what.splitlines()[0], ""
    if "items" in outcome.counts:
        run_progress.reached(outcome.counts["items"])
    return "finished", "", outcome.digest


@contextmanager
def _capped(cap: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_limit("self", cap, before[1]), before[1]))
    try:
        yield
    finally:
        # The report of the error needs memory too.
        resource.setrlimit(resource.RLIMIT_DATA, before)


def limit_memory(pid: int, cap: int) -> None:
    """Limit another process of this user to ``cap`` bytes more than it has now."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
    resource.prlimit(pid, resource.RLIMIT_DATA, (_limit(pid, cap, hard), hard))


def _limit(pid: int | str, cap: int, hard: int) -> int:
    """Return the limit that lets a process take ``cap`` bytes more, or the hard limit if lower."""
    limit = status("VmData", pid) + cap
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)


def memory_error(error: BaseException) -> BaseException | None:
    """Return the error that says that memory was refused: this one, a cause or a member, or None.

    libpq reports "out of memory" in a database error and the C library ENOMEM; a thread without
    memory for its stack cannot be started.
    """
    visited: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in visited:
            continue
        visited.add(id(current))
        if _is_memory_error(current):
            return current
        pending += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            pending += current.exceptions
    return None


def _is_memory_error(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return says_out_of_memory(str(error))


def says_out_of_memory(text: str) -> bool:
    """Return whether an error message or the output of a process says that memory was refused."""
    lower = text.lower()
    return any(message in lower for message in _MESSAGES)
