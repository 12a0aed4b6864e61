"""What a run holds elsewhere than in its own process: in others, in files, in the database.

It is looked at from outside, every few milliseconds, where the code that runs has no say. Together
they may hold no more than a cap; what passes it is ended on the spot.
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

from lab.linux import status

PLACES = ("its child processes", "files", "the database")
"""Where else a run may hold something."""

OWN = "its own memory"

_EVERY = 0.03
_STUCK = 2.0
"""Seconds for which a process may go on that has all the memory it can get."""
_NEARLY = 1 << 20
_LOOK_FOR_BACKENDS = 0.3
_OURS = "/memory-lab-"
"""In the paths of the harness's own files, such as what memray writes."""


@dataclass
class Held:
    """The most bytes that were seen in each place, and in the process itself.

    Attributes:
        peaks: Place to bytes.
        ended: Where the cap was passed, if it was.
    """

    peaks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    ended: str = ""


def over_in(place: str) -> str:
    """Say that a run was ended for what it held in a place."""
    return f"it holds the answer in {place}, until that was more than the cap allows"


class Watch:
    """Looks at a process and all that it starts, from its start to its end.

    Args:
        most: Bytes that it may hold, itself and elsewhere, over what it began with.
        database: Whether it has one to hold something in.
    """

    def __init__(self, most: int, database: bool) -> None:
        self._most = most
        self._database = database
        self._held = Held()
        self._thread: threading.Thread | None = None

    def __call__(self, pid: int) -> None:
        """Begin with a process that leads a group of its own."""
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def held(self) -> Held:
        """Return what was seen; the process has ended."""
        if self._thread is not None:
            self._thread.join()
        return self._held

    def _look(self, pid: int) -> None:
        began = time.time()
        backends = _Backends()
        with suppress(OSError):
            first, stuck = status("VmRSS", pid), 0.0
            before: set[int] = set()
            while True:
                tree = list(_descendants(pid))
                # Until it has called exec, a new process reads as large as the one that made it.
                settled = [child for child in tree if child in before]
                before = set(tree)
                now = {
                    "its child processes": sum(map(_proportional, settled)),
                    "files": sum(_files_since(began, [pid, *tree])),
                    "the database": backends.hold([pid, *tree]) if self._database else 0,
                }
                for place, bytes_ in now.items():
                    self._held.peaks[place] = max(self._held.peaks[place], bytes_)
                now[OWN] = status("VmRSS", pid) - first
                over = sum(now.values()) > self._most
                stuck = stuck + _EVERY if _at_its_limit(pid) else 0.0
                if over or stuck > _STUCK:
                    self._held.ended = max(now, key=lambda place: now[place]) if over else OWN
                    os.killpg(pid, signal.SIGKILL)
                    return
                time.sleep(_EVERY)


def _at_its_limit(pid: int) -> bool:
    """Tell whether the kernel gives a process no more memory, whatever it makes of that."""
    limit, _ = resource.prlimit(pid, resource.RLIMIT_DATA)
    return limit != resource.RLIM_INFINITY and status("VmData", pid) > limit - _NEARLY


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _proportional(pid: int) -> int:
    """Return what a process would free by ending: what it shares with others counts in part."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


def _files_since(began: float, pids: list[int]) -> Iterator[int]:
    """Yield the bytes of every file that the processes have open and that was written since."""
    seen = set()
    for pid in pids:
        for path, found in _open_files(pid):
            if found.st_mtime < began - 1 or _OURS in path or (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            yield found.st_size


def _open_files(pid: int) -> Iterator[tuple[str, os.stat_result]]:
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found = entry.stat()
                if stat.S_ISREG(found.st_mode):
                    yield os.readlink(entry), found


class _Backends:
    """The processes of the embedded server that work for ours; of another server none is seen."""

    def __init__(self) -> None:
        self._looked = 0.0
        self._pids: list[int] = []

    def hold(self, clients: list[int]) -> int:
        """Return what they hold: their own memory, and temporary files that they have open."""
        if os.environ.get("DATABASE_URL"):
            return 0
        if time.monotonic() - self._looked > _LOOK_FOR_BACKENDS:
            self._pids = _backends_of(clients)
            self._looked = time.monotonic()
        return sum(map(self._of, self._pids))

    @staticmethod
    def _of(pid: int) -> int:
        with suppress(OSError):
            if "postgres" not in Path(f"/proc/{pid}/cmdline").read_text():
                return 0
            spilled = (found.st_size for path, found in _open_files(pid) if "pgsql_tmp" in path)
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
