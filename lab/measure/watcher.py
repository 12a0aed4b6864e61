"""Watch a measuring process from a second process: its children, files in memory, mapped pages.

The watcher is a fork of the same fork server, so it adds nothing to the measured process. It
samples from the begin to the end of the run, which the measuring process writes to a pipe: every
few milliseconds, or less often if a sample takes long. What lives for less than that is not seen.
"""

import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from lab.curves.elsewhere import Elsewhere

SUPPORTED = sys.platform == "linux"

_INTERVAL = 0.002
"""Seconds between two samples; more if a sample takes long."""

_SHARE = 10
"""A watcher waits this many times longer than a sample takes."""

_PATIENCE = 0.05
"""Seconds between two looks whether the process lives that has not begun to measure."""

_PAGES_EVERY = 4
"""Samples between two looks at pages and open files, as long as none is in memory."""

_MOST_COMMANDS = 3
_CLIENTS = "lab.measure.http.clients"
"""Part of the command of the clients of a server, which are not memory of the server."""

_FORK = "a fork"
_WAITS = "D"
"""The state of a thread that has called ``vfork``, until its child has another program."""


class Signals:
    """Two pipes between a measuring process and its watcher, for the begin and end of the run."""

    def __init__(self) -> None:
        # The measured code has the pipe as well, and cannot guess the word.
        self._word, self._unread = os.urandom(16), b""
        self._heard, self._told = os.pipe()
        self._ready, self._answered = os.pipe()

    def close(self, *, measures: bool = False, watches: bool = False) -> None:
        """Close what this process does not use, so that the other one notices its end.

        Args:
            measures: Whether this is the measuring process.
            watches: Whether this is the watcher; without either, everything is closed.
        """
        ends = [] if watches else [self._heard, self._answered]
        ends += [] if measures else [self._told, self._ready]
        for end in ends:
            os.close(end)

    def tell(self) -> None:
        """Say that the run begins or ends, and wait until the watcher has taken a sample."""
        with suppress(OSError):
            os.write(self._told, self._word)
            os.read(self._ready, 1)  # ends with the watcher, if it dies

    def heard(self, timeout: float) -> bytes | None:
        """Return what was told within some seconds, empty if the process ended; else None."""
        ready, _, _ = select.select([self._heard], [], [], timeout)
        if not ready:
            return None
        part = os.read(self._heard, 65_536)
        before, word, after = (self._unread + part).partition(self._word)
        self._unread = after or before[-len(self._word) :]
        return b"" if not part else word or None

    def answer(self) -> None:
        """Let the measuring process go on."""
        with suppress(OSError):
            os.write(self._answered, b".")


def watch(pid: int, signals: Signals, scratch: str) -> Elsewhere:
    """Watch a process from the beginning of its run to the end; empty if it never begins.

    Args:
        pid: The measuring process.
        signals: Its pipes.
        scratch: The folder of the harness's own files, which do not count.
    """
    told = None
    while told is None:
        told = signals.heard(_PATIENCE) if _lives(pid) else b""
    if not told:
        return Elsewhere()
    samples = _Samples(pid, scratch)
    samples.begin()
    signals.answer()
    while _lives(pid):
        if signals.heard(samples.take()) is not None:
            samples.take(all_of_it=True)
            signals.answer()
            break
    return samples.peaks()


class _Samples:
    """The highest values of a process since the beginning of its run."""

    def __init__(self, pid: int, scratch: str) -> None:
        self._pid = pid
        self._own_command = _command(pid)
        self._commands: dict[int, str] = {}
        self._newest = ""
        self._files = _FilesInMemory(pid, scratch)
        self._count = 0
        self._before = self._highest = (0, 0, 0)

    def begin(self) -> None:
        """Take the values over which a rise counts."""
        mapped, shared = _pages(self._pid)
        self._before = self._highest = (self._children(), mapped, self._files.bytes(shared))
        living = set(descendants(self._pid))
        self._commands = {pid: name for pid, name in self._commands.items() if pid in living}

    def take(self, *, all_of_it: bool = False) -> float:
        """Take a sample; return the seconds to wait until the next one."""
        start = time.perf_counter()
        now = (self._children(), *self._highest[1:])
        if all_of_it or self._count % _PAGES_EVERY == 0 or self._files.any:
            mapped, shared = _pages(self._pid)
            now = (now[0], mapped, self._files.bytes(shared))
        self._count += 1
        children, mapped, files = map(max, self._highest, now)
        self._highest = (children, mapped, files)
        return max(_INTERVAL, _SHARE * (time.perf_counter() - start))

    def peaks(self) -> Elsewhere:
        """Return the highest values."""
        children, mapped, files = map(int.__sub__, self._highest, self._before)
        names = tuple(dict.fromkeys(self._commands.values()))[:_MOST_COMMANDS] if children else ()
        return Elsewhere(0, mapped, children, names, files)

    def _children(self) -> int:
        """Return the bytes of all descendants; they are looked for after any process was made."""
        newest = _newest_process()
        if newest == self._newest != "" and not self._commands:
            return 0
        self._newest = newest
        total = 0
        for thread, child in _forks(self._pid):
            command = self._commands.get(child, _FORK)
            if command == _FORK:  # it may have become another program since
                command = _command(child)
                command = _FORK if command in ("", self._own_command) else command
            if command == _FORK and _state(thread) == _WAITS:
                # Until it is another program, it runs in the memory of the parent.
                self._newest = ""  # look again, also if there is no newer process
            elif _CLIENTS not in command:
                self._commands[child] = command
                total += _private(child)
        return total


class _FilesInMemory:
    """The open files of a process that are memory and not on a disk.

    Attributes:
        any: Whether there was one.
    """

    def __init__(self, pid: int, scratch: str) -> None:
        self._folder = f"/proc/{pid}/fd"
        self._scratch = os.path.join(scratch, "")
        self.any = False

    def bytes(self, mapped: int) -> int:
        """Return the bytes of these files without ``mapped`` ones, which count as pages."""
        blocks: dict[int, int] = {}
        with suppress(OSError):
            for number in os.listdir(self._folder):
                with suppress(OSError):
                    link = f"{self._folder}/{number}"
                    path = os.readlink(link)
                    if path.startswith("/") and not path.startswith(self._scratch):
                        info = os.stat(link)
                        if stat.S_ISREG(info.st_mode) and _in_memory(path, info.st_dev):
                            blocks[info.st_ino] = info.st_blocks * 512
        self.any = self.any or bool(blocks)
        return max(0, sum(blocks.values()) - mapped)


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    return [child for _, child in _forks_of(pid)]


def descendants(pid: int) -> list[int]:
    """Return the children of a process, and theirs, as far as they live."""
    return [child for _, child in _forks(pid)]


def _forks(pid: int) -> Iterator[tuple[int, int]]:
    """Yield all descendants of a process, each after the id of the thread that made it."""
    for thread, child in _forks_of(pid):
        yield thread, child
        yield from _forks(child)


def _forks_of(pid: int) -> Iterator[tuple[int, int]]:
    with suppress(OSError):
        for thread in map(int, os.listdir(f"/proc/{pid}/task")):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                for child in file.read().split():
                    yield thread, int(child)


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that ended but was not waited for does not."""
    return _state(pid) not in ("", "Z", "X")


def _state(pid: int) -> str:
    """Return the state of a process or thread, such as "S" for one that sleeps; "" if it ended."""
    with suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
    return ""


def _command(pid: int) -> str:
    """Return the command of a process: the module or file of a Python, the name of any other."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        name = os.path.basename(words[0])
        if "python" not in name:
            return name
        if "-m" in words:
            return " ".join([name, *words[words.index("-m") :][:2]])
        script = next((word for word in words[1:] if word.endswith(".py")), "")
        return f"{name} {os.path.basename(script)}".rstrip()
    return ""


def _private(pid: int) -> int:
    """Return the bytes that a process shares with no other; a fork shares what neither changed."""
    total = 0
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith(("Private_", "Swap:")):
                total += int(line.split()[1]) * 1024
    return total


def _pages(pid: int) -> tuple[int, int]:
    """Return the bytes of pages of mapped files, and of shared memory, in the resident set."""
    values = {"RssFile": 0, "RssShmem": 0}
    with suppress(OSError), open(f"/proc/{pid}/status") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in values:
                values[name] = int(rest.split()[0]) * 1024
    return values["RssFile"], values["RssShmem"]


def _newest_process() -> str:
    """Return the id of the newest process or thread of the whole machine; "" if it has none."""
    with suppress(OSError, IndexError), open("/proc/loadavg") as file:
        return file.read().split()[-1]
    return ""


def _in_memory(path: str, device: int) -> bool:
    return path.startswith("/memfd:") or device in _memory_devices()


@cache
def _memory_devices() -> frozenset[int]:
    """Return the devices of all file systems in memory."""
    devices = set()
    with suppress(OSError), open("/proc/self/mountinfo") as file:
        for line in file:
            fields, _, rest = line.partition(" - ")
            if rest.split()[0] in ("tmpfs", "ramfs"):
                major, minor = fields.split()[2].split(":")
                devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)
