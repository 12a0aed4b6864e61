"""Samples the memory of a run outside its own process: child processes, files, the database.

The samples are taken by the parent, every 30 milliseconds, so the code that runs cannot change
them. A run that exceeds its limit, in all places together, is killed.
"""

import os
import resource
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.measure.watcher import descendants
from lab.system.linux import status

PLACES = ("its child processes", "files", "the database")
"""Where a run can keep memory outside its own process."""

OWN = "its own memory"

_INTERVAL = 0.03
_AT_LIMIT_TIMEOUT = 2.0
"""Seconds that a process may continue once the kernel gives it no more memory."""
_AT_LIMIT_MARGIN = 1 << 20
"""Bytes below RLIMIT_DATA from which a process counts as at its limit."""
_BACKEND_INTERVAL = 0.3
"""Seconds between two queries for the processes of the database."""
_HARNESS_FILE = "/memory-lab-"
"""Part of the path of the harness's own files, for example those that memray writes."""


@dataclass
class ExternalMemory:
    """Memory of a run outside its own process.

    Attributes:
        peaks: Place to peak in bytes.
        exceeded: The place with the most memory when the limit was exceeded; empty if it was not.
    """

    peaks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    exceeded: str = ""


def over_in(place: str) -> str:
    """Return the sentence for a run that exceeded its limit in a place."""
    return f"it keeps the answer in {place}, where it exceeded the cap"


class MemoryWatch:
    """Samples a process and its descendants until the process ends; kills it over the limit.

    Args:
        limit: Bytes that the run may add, in its own process and outside.
        database: Whether the run has a database to keep memory in.
    """

    def __init__(self, limit: int, database: bool) -> None:
        self._limit = limit
        self._database = database
        self._external = ExternalMemory()
        self._thread: threading.Thread | None = None

    def __call__(self, pid: int) -> None:
        """Start to sample a process, which must lead its own process group."""
        self._thread = threading.Thread(target=self._sample, args=(pid,), daemon=True)
        self._thread.start()

    def result(self) -> ExternalMemory:
        """Wait for the process to end, and return the peaks."""
        if self._thread is not None:
            self._thread.join()
        return self._external

    def _sample(self, pid: int) -> None:
        began = time.time()
        backends = _Backends()
        with suppress(OSError):
            warm, at_limit = status("VmRSS", pid), 0.0
            before: set[int] = set()
            while True:
                tree = list(descendants(pid))
                # Between fork and exec, a child process has the size of its parent.
                settled = [child for child in tree if child in before]
                before = set(tree)
                now = {
                    "its child processes": sum(map(_proportional, settled)),
                    "files": sum(_files_since(began, [pid, *tree])),
                    "the database": backends.memory([pid, *tree]) if self._database else 0,
                }
                for place, bytes_ in now.items():
                    self._external.peaks[place] = max(self._external.peaks[place], bytes_)
                now[OWN] = status("VmRSS", pid) - warm
                over = sum(now.values()) > self._limit
                at_limit = at_limit + _INTERVAL if _at_limit(pid) else 0.0
                if over or at_limit > _AT_LIMIT_TIMEOUT:
                    largest = max(now, key=lambda place: now[place])
                    self._external.exceeded = largest if over else OWN
                    os.killpg(pid, signal.SIGKILL)
                    return
                time.sleep(_INTERVAL)


def _at_limit(pid: int) -> bool:
    """Return whether a process is at its RLIMIT_DATA, even if it catches the error."""
    limit, _ = resource.prlimit(pid, resource.RLIMIT_DATA)
    return limit != resource.RLIM_INFINITY and status("VmData", pid) > limit - _AT_LIMIT_MARGIN


def _proportional(pid: int) -> int:
    """Return the proportional set size of a process's anonymous memory, in bytes."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


def _files_since(began: float, pids: list[int]) -> Iterator[int]:
    """Yield the size of each open file of the processes that was written after a time."""
    counted = set()
    for pid in pids:
        for path, info in _open_files(pid):
            inode = (info.st_dev, info.st_ino)
            if info.st_mtime < began - 1 or _HARNESS_FILE in path or inode in counted:
                continue
            counted.add(inode)
            yield info.st_size


def _open_files(pid: int) -> Iterator[tuple[str, os.stat_result]]:
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                info = entry.stat()
                if stat.S_ISREG(info.st_mode):
                    yield os.readlink(entry), info


class _Backends:
    """The embedded server's processes for a run; another server's processes cannot be read."""

    def __init__(self) -> None:
        self._queried = 0.0
        self._pids: list[int] = []

    def memory(self, clients: list[int]) -> int:
        """Return the bytes of their anonymous memory and of their open temporary files."""
        if os.environ.get("DATABASE_URL"):
            return 0
        if time.monotonic() - self._queried > _BACKEND_INTERVAL:
            self._pids = _backends_of(clients)
            self._queried = time.monotonic()
        return sum(map(self._memory_of, self._pids))

    @staticmethod
    def _memory_of(pid: int) -> int:
        with suppress(OSError):
            if "postgres" not in Path(f"/proc/{pid}/cmdline").read_text():
                return 0
            spilled = (info.st_size for path, info in _open_files(pid) if "pgsql_tmp" in path)
            return status("RssAnon", pid) + sum(spilled)
        return 0


def _backends_of(clients: list[int]) -> list[int]:
    from sqlalchemy import text

    from lab.data.database import database
    from lab.errors import LabError

    names = [f"memory-lab-{pid}" for pid in clients]
    query = text("select pid from pg_stat_activity where application_name = any(:names)")
    with suppress(LabError), database() as engine, engine.connect() as connection:
        return list(connection.execute(query, {"names": names}).scalars())
    return []
