"""What the lab needs of a machine, whether it is there, and what to do where it is not."""

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lab.errors import LabError
from lab.measure.environment import environment, usable_cores
from lab.units import show_bytes

_ROOM = 2_500_000_000
"""Bytes of disk for a million posts, the files to send, and some air."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and whether the lab can work with it."""

    what: str
    found: str
    good: bool = True


def examine() -> list[Finding]:
    """Look at everything, the database last; nothing is left running."""
    return list(_examine())


def _examine() -> Iterator[Finding]:
    import psutil

    yield Finding("Python", f"{platform.python_version()} on {platform.platform()}")
    yield _package()
    yield Finding("Cores", str(usable_cores()))
    yield Finding("Free memory", show_bytes(psutil.virtual_memory().available))
    yield Finding("memray", str(environment().get("memray", "missing")), _has("memray"))
    yield _resident_set()
    yield from _extras()
    if _has("sqlalchemy") and _has("psycopg2"):
        yield _disk()
        yield _database()


def _package() -> Finding:
    """Whose package `lab` is: another distribution's of that name overwrites files of this one."""
    from memory_lab import other_distributions

    clash = other_distributions()
    found = f"memory-lab's, in {Path(__file__).parent}"
    return Finding("Package lab", f"{found}; {clash}" if clash else found, not clash)


def _resident_set() -> Finding:
    if sys.platform == "linux":
        return Finding("RSS witness", "VmHWM, reset before each run")
    return Finding("RSS witness", "ru_maxrss, which includes the imports: read it as a bound")


def _extras() -> Iterator[Finding]:
    for extra, modules in {
        "patterns": ("sqlalchemy", "psycopg2", "pydantic"),
        "plots": ("matplotlib", "jinja2"),
    }.items():
        missing = [module for module in modules if not _has(module)]
        mend = f"without {', '.join(missing)}: pip install 'memory-lab[{extra}]'"
        yield Finding(f"Extra {extra}", mend if missing else "installed", not missing)


def _disk() -> Finding:
    from lab.data.home import home

    free = shutil.disk_usage(home()).free
    good = free > _ROOM
    mend = "" if good else f": less than {show_bytes(_ROOM)}; set MEMORY_LAB_HOME to a larger disk"
    return Finding("Disk", f"{show_bytes(free)} free for {home()}{mend}", good)


def _database() -> Finding:
    from lab.data.database import database
    from lab.data.seed import built

    try:
        with database() as engine, engine.connect() as connection:
            version = connection.exec_driver_sql("show server_version").scalar_one()
            there = built(connection)
            posts = f"{there.rows:,} posts" if there else "no posts yet (lab data build)"
            return Finding("PostgreSQL", f"{version}, {posts}")
    except LabError as error:
        return Finding("PostgreSQL", str(error), good=False)


def _has(module: str) -> bool:
    return find_spec(module) is not None
