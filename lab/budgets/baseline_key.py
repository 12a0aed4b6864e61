"""The key of a baseline: the versions, the platform and the witness that its figures depend on."""

import platform
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.curves.curve import Witness
from lab.errors import LabError
from lab.measure.environment import environment, installed_version

_METER = "memray"
_DEFAULT_LIBRARIES = (
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "psycopg2-binary",
    "psycopg2",
    "psycopg",
    "pydantic",
)
"""Libraries whose minor versions are part of a key, unless the file of budgets names others."""


@dataclass(frozen=True)
class Key:
    """What must be the same for two figures to be compared.

    Attributes:
        python: Minor version of Python, with a ``t`` for the free-threaded build.
        platform: Operating system and machine, such as ``linux-x86_64``.
        witness: What measured the peak: ``heap`` or ``rss``.
        libraries: Minor versions by name, sorted by name.
    """

    python: str
    platform: str
    witness: Witness
    libraries: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        versions = [f"{name} {version}" for name, version in self.libraries.items()]
        return ", ".join([f"CPython {self.python}", self.platform, self.witness, *versions])

    def as_json(self) -> dict[str, Any]:
        """Return the key as a JSON object."""
        return {
            "python": self.python,
            "platform": self.platform,
            "witness": self.witness,
            "libraries": dict(self.libraries),
        }

    @classmethod
    def of_json(cls, key: Mapping[str, Any]) -> "Key":
        """Read a key from its JSON object."""
        libraries = {str(name): str(version) for name, version in key["libraries"].items()}
        return cls(key["python"], key["platform"], key["witness"], _sorted(libraries))

    def differences(self, other: "Key") -> list[str]:
        """Return how this key differs from one in a file, as phrases for an error."""
        return list(self._differences(other))

    def distance(self, other: "Key") -> tuple[bool, bool, int]:
        """Return a sort key: the smallest belongs to the key that differs least."""
        other_witness = self.witness != other.witness
        other_platform = self.platform != other.platform
        return other_witness, other_platform, len(self.differences(other))

    def _differences(self, other: "Key") -> Iterator[str]:
        if self.python != other.python:
            yield f"CPython {self.python} here, {other.python} in the file"
        for here, there in ((self.platform, other.platform), (self.witness, other.witness)):
            if here != there:
                yield f"{here} here, {there} in the file"
        for name in sorted({*self.libraries, *other.libraries}):
            installed, recorded = self.libraries.get(name), other.libraries.get(name)
            if installed != recorded:
                library = f"{name} {installed}" if installed else f"no {name}"
                yield f"{library} here, {recorded or 'none'} in the file"


def key_here(witness: Witness, libraries: Sequence[str] | None = None) -> Key:
    """Return the key of figures that this process measures.

    Args:
        witness: What measures the peak.
        libraries: Distributions whose versions count in addition to memray's; None for the default.

    Raises:
        LabError: A library in ``libraries`` is not installed.
    """
    versions = {}
    for name in (_METER, *(_DEFAULT_LIBRARIES if libraries is None else libraries)):
        version = installed_version(name)
        if version is not None:
            versions[name] = _minor(version)
        elif libraries is not None:
            raise LabError(
                f"{name} is not installed, and the baseline depends on its version: install it, or "
                "remove it from the list of libraries."
            )
    system = f"{sys.platform}-{platform.machine()}"
    free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    python = _minor(str(environment()["python"])) + free_threaded
    return Key(python, system, witness, _sorted(versions))


def _minor(version: str) -> str:
    numbers = re.match(r"\d+(?:\.\d+)?", version)
    return numbers[0] if numbers else version


def _sorted(libraries: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(libraries.items()))
