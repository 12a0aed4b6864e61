"""Files to send and CSVs to receive: generated a block at a time, the same bytes every time."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.data.home import home
from lab.errors import LabError
from lab.units import show_bytes

_BLOCK = 65_536
BAD_ROW_EVERY = 97


def download_file(size: int) -> Path:
    """Return a file of ``size`` bytes, made if it is not there; smaller ones are its prefix."""
    return _kept(f"download-{size}.bin", size, download_blocks)


def users_csv(size: int, clean: bool = False) -> Path:
    """Return a CSV of users, as many whole rows as fit into ``size`` bytes.

    One row in 97 is invalid, unless the file is to be clean.
    """
    if clean:
        return _kept(f"users-clean-{size}.csv", size, clean_users_blocks)
    return _kept(f"users-{size}.csv", size, users_blocks)


@contextmanager
def files_ready(make: Callable[[int], Path], size: int) -> Iterator[None]:
    """Have one file in place before anything is measured."""
    make(size)
    yield


def download_blocks(size: int) -> Iterator[bytes]:
    """Yield ``size`` bytes that do not compress: each block is a keyed digest's output."""
    for start in range(0, size, _BLOCK):
        block = hashlib.shake_128(start.to_bytes(8, "big")).digest(_BLOCK)
        yield block[: size - start]


def users_blocks(size: int) -> Iterator[bytes]:
    """Yield a CSV of users; one row in 97 is invalid, by its age or its address."""
    return _fitting(size, _user_lines(BAD_ROW_EVERY))


def clean_users_blocks(size: int) -> Iterator[bytes]:
    """Yield a CSV of users in which every row is valid, and every address another."""
    return _fitting(size, _user_lines(bad_row_every=0))


def _fitting(size: int, lines: Iterator[bytes]) -> Iterator[bytes]:
    left = size
    for line in lines:
        left -= len(line)
        if left < 0:
            return
        yield line


def _user_lines(bad_row_every: int) -> Iterator[bytes]:
    yield b"email,name,age,can_export\n"
    number = 0
    while True:
        number += 1
        at, age = "@", 18 + number * 7 % 60
        if bad_row_every and number % bad_row_every == 0:
            at, age = (" at ", age) if number % 2 else ("@", 18 + number)
        person = f"person.{number:08d}{at}department-{number % 89:02d}.example.org"
        name = f'"Surname-{number % 9973:04d}, Given Name {number % 83:02d}"'
        yield f"{person},{name},{age},{'true' if number % 3 else 'false'}\n".encode()


def files() -> list[Path]:
    """Return the files that have been made and kept, and what was left of broken attempts."""
    return sorted(path for path in folder().iterdir() if _OURS.fullmatch(path.name))


def drop_files() -> int:
    """Remove the files that were made and kept, nobody else's; return how many there were."""
    found = files()
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


_OURS = re.compile(
    r"(download-\d+\.bin|users-(clean-)?\d+\.csv)|\.(download|users(-clean)?)-\d+\.\w+\.\d+"
)


def folder() -> Path:
    """Return the folder of the lab's files, which exists afterwards."""
    found = home() / "files"
    found.mkdir(parents=True, exist_ok=True)
    return found


def _kept(name: str, size: int, blocks: Callable[[int], Iterator[bytes]]) -> Path:
    """Write a file under another name and rename it, so that a half-made one is never used."""
    path = folder() / name
    if path.exists():
        return path
    free = shutil.disk_usage(path.parent).free
    if free < size * 1.1:
        raise LabError(
            f"{path} needs {show_bytes(size)}, and {show_bytes(free)} are free on its disk: "
            "make room, or set MEMORY_LAB_HOME to a folder on another one."
        )
    unfinished = path.with_name(f".{name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            file.writelines(blocks(size))
        unfinished.replace(path)
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return path
