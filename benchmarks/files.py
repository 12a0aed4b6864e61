"""The limits of what happens to files: reading, `sendfile`, and the `zip` command."""

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
from lab.interpreter import environment_with_lab, python_module
from lab.linux import sent_when_parent_ends
from lab.patterns.zip_download import MEMBERS
from lab.sockets import listening

BLOCK = 1024 * 1024


@contextmanager
def read_again(size: int) -> Iterator[Limit]:
    """Limit a download by reading the file into one block of memory, over and over."""
    path, block = download_file(size), bytearray(BLOCK)

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.readinto(block):
                pass

    yield Limit("read(2)", lambda: timed(read))


@contextmanager
def sent_by_the_kernel(size: int) -> Iterator[Limit]:
    """Limit a download over HTTP by a server that does nothing but `sendfile`."""
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.setblocking(True)
        served = python_module(
            "benchmarks.sendfile", str(download_file(size)), str(listener.fileno())
        )
        server = subprocess.Popen(
            served,
            pass_fds=[listener.fileno()],
            env=environment_with_lab(),
            preexec_fn=sent_when_parent_ends(signal.SIGTERM),  # noqa: PLW1509 - one prctl
        )
        try:
            yield Limit("sendfile", lambda: timed(lambda: fetch(url)))
        finally:
            server.terminate()
            server.wait()


def zipped(compression: int) -> Limited:
    """Limit an archive by the `zip` command, writing to nowhere."""

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        command = which("zip")
        if command is None:
            pytest.skip("there is no `zip` command to compare with: apt-get install zip")
        level = "-6" if compression == ZIP_DEFLATED else "-0"
        with TemporaryDirectory(prefix="memory-lab-") as folder:
            names = _cut(download_file(size), Path(folder))
            arguments = [command, "-q", level, "-", *names]

            def run() -> None:
                subprocess.run(arguments, cwd=folder, stdout=subprocess.DEVNULL, check=True)

            yield Limit(f"zip {level}", lambda: timed(run))

    return limit


def _cut(whole: Path, folder: Path) -> list[str]:
    """Cut a file into as many parts as the archive has members; return their names."""
    part = whole.stat().st_size // MEMBERS
    names = []
    with whole.open("rb") as source:
        for number in range(MEMBERS):
            names.append(f"part-{number}.bin")
            (folder / names[-1]).write_bytes(source.read(part))
    return names
