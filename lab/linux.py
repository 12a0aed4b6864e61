"""What the Linux kernel and C library do for the lab; on other systems these do nothing."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import Signals

_ON_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None) if _ON_LINUX else None
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ADDR_NO_RANDOMIZE = 0x0040000
_ASK = 0xFFFFFFFF


def sent_when_parent_ends(signal: Signals) -> Callable[[], object]:
    """Return a call by which a process asks for a signal as soon as its parent has ended.

    The call imports nothing, so it can be made between fork and exec, under any account.
    """
    if _LIBC is None:
        return lambda: None
    return partial(_LIBC.prctl, _PR_SET_PDEATHSIG, int(signal))


def adopt_orphans() -> None:
    """Be the parent of whatever our own children leave behind, so that it stays in our tree."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def return_free_memory() -> None:
    """Have the C library give its free memory back to the kernel."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)


def status(field: str, pid: int | str = "self") -> int:
    """Return a field of a process's status, such as ``VmHWM``, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} has no {field}")


@contextmanager
def fixed_addresses() -> Iterator[None]:
    """Have processes that are started in the block laid out at fixed addresses.

    Objects hash by their address, so with random addresses the same run differs by a few
    kilobytes from process to process; with fixed ones it repeats to the byte. The setting belongs
    to the calling thread and is inherited by what it starts. Where the kernel refuses, nothing
    changes.
    """
    before = -1 if _LIBC is None else int(_LIBC.personality(_ASK))
    if _LIBC is None or before < 0:
        yield
        return
    _LIBC.personality(before | _ADDR_NO_RANDOMIZE)
    try:
        yield
    finally:
        _LIBC.personality(before)
