"""Files to download and CSVs to upload: generated block by block, always the same bytes."""

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
    """Return a file of ``size`` bytes, created if missing; smaller files are prefixes of it."""
    return _kept(f"download-{size}.bin", size, download_blocks)


def users_csv(size: int, clean: bool = False) -> Path:
    """Return a CSV of users with as many whole rows as fit into ``size`` bytes.

    One row in 97 is invalid; with ``clean`` none is.
    """
    if clean:
        return _kept(f"users-clean-{size}.csv", size, clean_users_blocks)
    return _kept(f"users-{size}.csv", size, users_blocks)


@contextmanager
def files_ready(make: Callable[[int], Path], size: int) -> Iterator[None]:
    """Create a file before the measurement starts."""
    make(size)
    yield


def download_blocks(size: int) -> Iterator[bytes]:
    """Yield ``size`` bytes that do not compress: each block is SHAKE-128 of its offset."""
    for start in range(0, size, _BLOCK):
        block = hashlib.shake_128(start.to_bytes(8, "big")).digest(_BLOCK)
        yield block[: size - start]


def users_blocks(size: int) -> Iterator[bytes]:
    """Yield a CSV of users; in one row of 97 the age or the email address is invalid."""
    return _fitting(size, _user_lines(BAD_ROW_EVERY))


def clean_users_blocks(size: int) -> Iterator[bytes]:
    """Yield a CSV of users in which every row is valid and every email address is different."""
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
    """Return the lab's files, including unfinished ones of interrupted runs."""
    return sorted(path for path in folder().iterdir() if _OURS.fullmatch(path.name))


def drop_files() -> int:
    """Remove the lab's files and no others; return their number."""
    removed = files()
    for path in removed:
        path.unlink(missing_ok=True)
    return len(removed)


_OURS = re.compile(
    r"(download-\d+\.bin|users-(clean-)?\d+\.csv)|\.(download|users(-clean)?)-\d+\.\w+\.\d+"
)


def folder() -> Path:
    """Return the folder of the lab's files, created if missing."""
    path = home() / "files"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _kept(name: str, size: int, blocks: Callable[[int], Iterator[bytes]]) -> Path:
    """Return a file, written under another name first so that an incomplete one is never used."""
    path = folder() / name
    if path.exists():
        return path
    free = shutil.disk_usage(path.parent).free
    if free < size * 1.1:
        raise LabError(
            f"{path} needs {show_bytes(size)}, but only {show_bytes(free)} are free: "
            "free some space, or set MEMORY_LAB_HOME to a folder on another disk."
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
