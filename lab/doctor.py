"""Check the requirements of the lab on this machine; say how to fix what is missing."""

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lab.errors import LabError
from lab.measure.environment import environment, usable_cores
from lab.system.linux import free_memory
from lab.units import show_bytes

_ROOM = 2_500_000_000
"""Bytes of disk for a million posts and the files to send, with a margin."""


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check.

    Attributes:
        what: What was checked.
        found: The result, and how to fix it if it is bad.
        good: Whether the lab can work with it.
    """

    what: str
    found: str
    good: bool = True


def examine() -> list[Diagnosis]:
    """Return the result of every check; the database comes last and is stopped again."""
    return list(_examine())


def _examine() -> Iterator[Diagnosis]:

    yield Diagnosis("Python", f"{platform.python_version()} on {platform.platform()}")
    yield _package()
    yield Diagnosis("Cores", str(usable_cores()))
    yield Diagnosis("Free memory", show_bytes(free_memory()))
    yield Diagnosis("memray", str(environment().get("memray", "missing")), _has("memray"))
    yield _resident_set()
    yield from _extras()
    if _has("sqlalchemy") and _has("psycopg2"):
        yield _disk()
        yield _database()


def _package() -> Diagnosis:
    """Check that no other distribution installs a package `lab`, which would overwrite files."""
    from memory_lab import other_distributions

    clash = other_distributions()
    found = f"memory-lab's, in {Path(__file__).parent}"
    return Diagnosis("Package lab", f"{found}; {clash}" if clash else found, not clash)


def _resident_set() -> Diagnosis:
    if sys.platform == "linux":
        return Diagnosis("RSS witness", "VmHWM, reset before each run")
    return Diagnosis("RSS witness", "ru_maxrss, which includes the imports: an upper bound")


def _extras() -> Iterator[Diagnosis]:
    for extra, modules in {
        "http": ("uvicorn", "a2wsgi"),
        "patterns": ("sqlalchemy", "psycopg2", "pydantic"),
        "plots": ("matplotlib", "jinja2"),
    }.items():
        missing = [module for module in modules if not _has(module)]
        fix = f"missing {', '.join(missing)}: pip install 'memory-lab[{extra}]'"
        yield Diagnosis(f"Extra {extra}", fix if missing else "installed", not missing)


def _disk() -> Diagnosis:
    from lab.data.home import home

    free = shutil.disk_usage(home()).free
    good = free > _ROOM
    fix = "" if good else f": less than {show_bytes(_ROOM)}; set MEMORY_LAB_HOME to a larger disk"
    return Diagnosis("Disk", f"{show_bytes(free)} free for {home()}{fix}", good)


def _database() -> Diagnosis:
    from lab.data.database import database
    from lab.data.seed import built

    try:
        with database() as engine, engine.connect() as connection:
            version = connection.exec_driver_sql("show server_version").scalar_one()
            data = built(connection)
            posts = f"{data.rows:,} posts" if data else "no posts yet (lab data build)"
            return Diagnosis("PostgreSQL", f"{version}, {posts}")
    except LabError as error:
        return Diagnosis("PostgreSQL", str(error), good=False)


def _has(module: str) -> bool:
    return find_spec(module) is not None
