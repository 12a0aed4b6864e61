"""The arguments of the two markers, read as Python reads those of a call, and checked."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

import pytest

from lab.errors import LabError, nearest
from lab.measure.verdict import COUNTABLE, FEWEST_SIZES
from lab.pattern import AXES, O
from lab.units import increasing, parse_bytes, parse_sizes

T = TypeVar("T")

TIMEOUT = 600.0
"""Seconds for the body of a test at one size."""


@dataclass(frozen=True)
class Budget:
    """``memory_budget``: a ceiling, in bytes."""

    peak: int
    warm_up: bool
    timeout: float


@dataclass(frozen=True)
class Growth:
    """``memory_growth``: a claim, and the sizes that the body is run at."""

    claim: O
    over: str
    sizes: tuple[int, ...]
    axis: str
    warm_up: bool
    allow_inconclusive: bool
    timeout: float


def budget(mark: pytest.Mark) -> Budget:
    """Read a marker ``memory_budget``.

    Raises:
        LabError: It makes no sense.
    """

    def memory_budget(
        peak: str | int, *, warm_up: bool = False, timeout: float = TIMEOUT
    ) -> Budget:
        return Budget(_bytes(peak), _flag("warm_up", warm_up), _seconds(timeout))

    return _call(memory_budget, mark)


def growth(mark: pytest.Mark) -> Growth:
    """Read a marker ``memory_growth``.

    Raises:
        LabError: It makes no sense.
    """

    def memory_growth(
        claim: str | O,
        *,
        over: str,
        sizes: str | Iterable[int],
        axis: str | None = None,
        warm_up: bool = True,
        allow_inconclusive: bool = False,
        timeout: float = TIMEOUT,
    ) -> Growth:
        wanted = claim if isinstance(claim, O) else O.parse(str(claim))
        return Growth(
            wanted,
            over,
            _sizes(sizes),
            _axis(wanted, axis or (over if over in AXES else "n")),
            _flag("warm_up", warm_up),
            _flag("allow_inconclusive", allow_inconclusive),
            _seconds(timeout),
        )

    return _call(memory_growth, mark)


def _call(reader: Callable[..., T], mark: pytest.Mark) -> T:
    """Call a reader with a mark's arguments, which are checked as Python checks any call's.

    In words of our own: those of Python differ between its versions.
    """
    parameters = inspect.signature(reader).parameters
    if wrong := _wrong(mark, parameters):
        raise LabError(f"the marker {mark.name} takes {', '.join(parameters)}: {wrong}.")
    return reader(*mark.args, **mark.kwargs)


def _wrong(mark: pytest.Mark, parameters: Mapping[str, inspect.Parameter]) -> str:
    """Say in which way a mark's arguments are not those of a call, or nothing."""
    named = inspect.Parameter.KEYWORD_ONLY
    places = [name for name, parameter in parameters.items() if parameter.kind is not named]
    if len(mark.args) > len(places):
        return "too many positional arguments"
    given = places[: len(mark.args)]
    for name in mark.kwargs:
        if name not in parameters:
            return f"got an unexpected keyword argument {name!r}"
        if name in given:
            return f"multiple values for argument {name!r}"
    for name, parameter in parameters.items():
        needed = parameter.default is inspect.Parameter.empty
        if needed and name not in given and name not in mark.kwargs:
            return f"missing a required argument: {name!r}"
    return ""


def _bytes(amount: object) -> int:
    found = parse_bytes(amount) if isinstance(amount, str) else amount
    if not _is_number(found) or not found >= 1:
        raise LabError(f"a budget of {amount!r} is no amount of memory: write it as 2 MiB.")
    return int(found)


def _seconds(timeout: object) -> float:
    if not _is_number(timeout) or not timeout > 0:
        raise LabError(f"a timeout of {timeout!r} is no time: write seconds, as 60.")
    return float(timeout)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise LabError(f"{name} is True or False, not {value!r}.")
    return value


def _sizes(sizes: object) -> tuple[int, ...]:
    if isinstance(sizes, str):
        found = parse_sizes(sizes)
    else:
        listed = list(sizes) if isinstance(sizes, Iterable) else []
        if not listed or not all(isinstance(size, int) for size in listed):
            raise LabError(f"{sizes!r} are no sizes: write 8000..128000, or a list of numbers.")
        found = increasing(tuple(listed))
    if len(found) < FEWEST_SIZES:
        raise LabError(
            f"it takes {FEWEST_SIZES} sizes to tell how memory grows, each twice the one before, "
            f"and there are {len(found)}."
        )
    return found


def _axis(claim: O, axis: str) -> str:
    if axis not in AXES:
        raise LabError(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}")
    if axis == "n" and (named := COUNTABLE.intersection(claim.axes)):
        which = min(named)
        raise LabError(f'{claim} speaks of {which}, and the sizes count n: say axis="{which}".')
    return axis
