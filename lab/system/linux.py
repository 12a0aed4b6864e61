"""Calls to the Linux kernel and C library; on other systems most of them do nothing."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from signal import Signals

_ON_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None) if _ON_LINUX else None
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ADDR_NO_RANDOMIZE = 0x0040000
_QUERY = 0xFFFFFFFF


def set_parent_death_signal(signal: Signals) -> Callable[[], object]:
    """Return a function after which a process gets a signal as soon as its parent has ended.

    The function imports nothing, so it can run between fork and exec, under any account.
    """
    if _LIBC is None:
        return lambda: None
    return partial(_LIBC.prctl, _PR_SET_PDEATHSIG, int(signal))


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that they stay in this process tree."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def return_free_memory() -> None:
    """Return the free memory of the C library to the kernel."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)


def free_memory(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that this process can still take: of the system's, or of its group's limit.

    Args:
        groups: Where version 2 of control groups is mounted.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError):
        own = groups / Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip().lstrip("/")
        for group in (own, *own.parents):
            if group.is_relative_to(groups):
                free = min(free, _free_in(group, free))
    return free


def _free_in(group: Path, otherwise: int) -> int:
    """Return the bytes below the limit of a control group; files in memory can be dropped."""
    with suppress(OSError, ValueError):  # there is no limit
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        files = next((int(size) for name, size in lines if name == "inactive_file"), 0)
        return max(0, limit - used + files)
    return otherwise


def status(field: str, pid: int | str = "self") -> int:
    """Return a field of ``/proc/PID/status``, such as ``VmHWM``, in bytes.

    Raises:
        OSError: The process does not exist, or has no such field.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} has no {field}")


@contextmanager
def fixed_addresses() -> Iterator[None]:
    """Disable address randomisation for processes that are started in the block.

    Objects hash by their address. With random addresses the peak of the same run differs by a few
    kilobytes from process to process; with fixed ones it repeats to the byte. The setting belongs
    to the calling thread and is inherited by its children. If the kernel refuses, nothing changes.
    """
    before = -1 if _LIBC is None else int(_LIBC.personality(_QUERY))
    if _LIBC is None or before < 0:
        yield
        return
    _LIBC.personality(before | _ADDR_NO_RANDOMIZE)
    try:
        yield
    finally:
        _LIBC.personality(before)
