"""Limits of work with files: reading, `sendfile`, and the `zip` command."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED

import pytest

from benchmarks.fetch import fetch
from benchmarks.limit import Limit, Limited, timed
from lab.data.files import download_file
from lab.net.listen import listening
from lab.patterns.shared.zip_members import MEMBERS
from lab.system.interpreter import environment_with_lab, python_module
from lab.system.linux import set_parent_death_signal

BLOCK = 1024 * 1024


@contextmanager
def read_again(size: int) -> Iterator[Limit]:
    """Limit a download by reading the file repeatedly into one block of memory."""
    path, block = download_file(size), bytearray(BLOCK)

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.readinto(block):
                pass

    yield Limit("read(2)", lambda: timed(read))


@contextmanager
def sent_by_the_kernel(size: int) -> Iterator[Limit]:
    """Limit a download over HTTP by a server that only calls `sendfile`."""
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.setblocking(True)
        command = python_module(
            "benchmarks.sendfile", str(download_file(size)), str(listener.fileno())
        )
        server = subprocess.Popen(
            command,
            pass_fds=[listener.fileno()],
            env=environment_with_lab(),
            preexec_fn=set_parent_death_signal(signal.SIGTERM),  # noqa: PLW1509 - one prctl
        )
        try:
            yield Limit("sendfile", lambda: timed(lambda: fetch(url)))
        finally:
            server.terminate()
            server.wait()


def zipped(compression: int) -> Limited:
    """Limit an archive by the `zip` command, which writes to /dev/null."""

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        command = which("zip")
        if command is None:
            pytest.skip("the `zip` command is missing: apt-get install zip")
        level = "-6" if compression == ZIP_DEFLATED else "-0"
        with TemporaryDirectory(prefix="memory-lab-") as folder:
            names = _cut(download_file(size), Path(folder))
            arguments = [command, "-q", level, "-", *names]

            def run() -> None:
                subprocess.run(arguments, cwd=folder, stdout=subprocess.DEVNULL, check=True)

            yield Limit(f"zip {level}", lambda: timed(run))

    return limit


def _cut(whole: Path, folder: Path) -> list[str]:
    """Cut a file into one part for each member of the archive; return their names."""
    part = whole.stat().st_size // MEMBERS
    names = []
    with whole.open("rb") as source:
        for number in range(MEMBERS):
            names.append(f"part-{number}.bin")
            (folder / names[-1]).write_bytes(source.read(part))
    return names
