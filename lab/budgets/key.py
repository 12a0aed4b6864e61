"""What a baseline's figures belong to: the versions and the platform that shape them."""

import platform
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.errors import LabError
from lab.measure.curve import Witness
from lab.measure.environment import environment, installed_version

_METER = "memray"
_USUAL = (
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "psycopg2-binary",
    "psycopg2",
    "psycopg",
    "pydantic",
)
"""Libraries whose minor versions shape figures, where a file of budgets names no others."""


@dataclass(frozen=True)
class Key:
    """What must be the same for two figures to be compared.

    Attributes:
        python: Minor version of Python, with a ``t`` where it has no global lock.
        platform: Operating system and machine, as ``linux-x86_64``.
        witness: Who looked.
        libraries: Minor versions by name, in the order of the names.
    """

    python: str
    platform: str
    witness: Witness
    libraries: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        versions = [f"{name} {version}" for name, version in self.libraries.items()]
        return ", ".join([f"CPython {self.python}", self.platform, self.witness, *versions])

    def as_json(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {
            "python": self.python,
            "platform": self.platform,
            "witness": self.witness,
            "libraries": dict(self.libraries),
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Key":
        """Read it as it was written."""
        libraries = {str(name): str(version) for name, version in found["libraries"].items()}
        return cls(found["python"], found["platform"], found["witness"], _ordered(libraries))

    def differences(self, other: "Key") -> list[str]:
        """Say in which respects this is another than one that there are figures for."""
        return list(self._differences(other))

    def distance(self, other: "Key") -> tuple[bool, bool, int]:
        """Return how far another key is from being the same; the smallest is the nearest."""
        other_witness, elsewhere = self.witness != other.witness, self.platform != other.platform
        return other_witness, elsewhere, len(self.differences(other))

    def _differences(self, other: "Key") -> Iterator[str]:
        if self.python != other.python:
            yield f"CPython {self.python} where it has {other.python}"
        for mine, theirs in ((self.platform, other.platform), (self.witness, other.witness)):
            if mine != theirs:
                yield f"{mine} where it has {theirs}"
        for name in sorted({*self.libraries, *other.libraries}):
            here, there = self.libraries.get(name), other.libraries.get(name)
            if here != there:
                what = f"{name} {here}" if here else f"no {name}"
                yield f"{what} where it has {there or 'none'}"


def key_here(witness: Witness, libraries: Sequence[str] | None = None) -> Key:
    """Return the key of figures that are measured here and now.

    Args:
        witness: Who looks.
        libraries: Distributions whose versions matter beside memray's; None for the usual ones.

    Raises:
        LabError: A library that was named is not installed.
    """
    found = {}
    for name in (_METER, *(_USUAL if libraries is None else libraries)):
        version = installed_version(name)
        if version is not None:
            found[name] = _minor(version)
        elif libraries is not None:
            raise LabError(
                f"{name} is not installed, and the baseline belongs to its version: install it, "
                "or take it out of the list of libraries."
            )
    system = f"{sys.platform}-{platform.machine()}"
    threads = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return Key(_minor(str(environment()["python"])) + threads, system, witness, _ordered(found))


def _minor(version: str) -> str:
    numbers = re.match(r"\d+(?:\.\d+)?", version)
    return numbers[0] if numbers else version


def _ordered(libraries: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(libraries.items()))
