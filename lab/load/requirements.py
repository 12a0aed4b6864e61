"""Requirements on a load, such as ``p95 < 2s`` or ``streaming carried >= 16``."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lab.errors import LabError, nearest
from lab.units import parse_bytes, show_bytes, show_count, show_seconds

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_FORM = re.compile(r"\s*(.+?)\s*(<=|>=|<|>|=)\s*([\d.]+)\s*([a-zA-Z%]*)\s*")
_WRITE = "write it as 'p95 < 2s', 'failures < 1%' or 'rss < 300MiB'"

_KINDS = {
    "seconds": "a time",
    "bytes": "an amount of memory",
    "ratio": "a percentage",
    "count": "a number",
}


@dataclass(frozen=True)
class Requirement:
    """A limit for one measure.

    Attributes:
        name: The measure, such as ``p95`` or ``streaming export, slow p95``.
        compare: ``<``, ``<=``, ``=``, ``>=`` or ``>``.
        limit: In seconds, bytes, or plain numbers; a ratio for a percentage.
    """

    name: str
    compare: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name} {self.compare} {show(self.name, self.limit)}"

    @classmethod
    def parse(cls, text: str, known: Iterable[str]) -> "Requirement":
        """Read a requirement.

        Args:
            text: A measure, a comparison and a value.
            known: Names of the measures that the load has.

        Raises:
            LabError: The form, the measure or the unit is wrong.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise LabError(f"{text!r} is not a requirement: {_WRITE}.")
        name, compare, number, unit = match.groups()
        names = list(known)
        if name not in names:
            raise LabError(f"unknown measure {name!r}: {nearest(name, names)}")
        try:
            limit = _in_units(_kind(name), float(number), unit)
        except (ValueError, KeyError):
            raise LabError(f"{text!r}: {name} is {_KINDS[_kind(name)]}; {_WRITE}.") from None
        return cls(name, compare, limit)

    def violation(self, measured: Mapping[str, float]) -> str:
        """Return a description of how measures break the requirement; empty if they meet it."""
        value = measured.get(self.name)
        if value is None:
            return f"{self} (nothing measured)"
        if _COMPARE[self.compare](value, self.limit):
            return ""
        return f"{self} (measured {show(self.name, value)})"


def show(name: str, value: float) -> str:
    """Write a measure's value with its unit."""
    kind = _kind(name)
    if kind == "seconds":
        return show_seconds(value)
    if kind == "bytes":
        return show_bytes(value)
    return f"{100 * value:.3g} %" if kind == "ratio" else show_count(round(value))


def _kind(name: str) -> str:
    if re.search(r"\bp(50|95|99)$", name):
        return "seconds"
    if name.endswith("growth") or name == "failures":
        return "ratio"
    return "bytes" if name.endswith(("rss", "throughput")) else "count"


def _in_units(kind: str, number: float, unit: str) -> float:
    if kind == "seconds":
        return number * {"s": 1.0, "ms": 0.001}[unit]
    if kind == "bytes":
        if not unit:
            raise ValueError
        try:
            return parse_bytes(f"{number}{unit}")
        except LabError:
            raise ValueError from None
    if kind == "ratio" and number:
        return number * {"%": 0.01}[unit]
    return number * {"": 1.0}[unit.removesuffix("%") if not number else unit]
