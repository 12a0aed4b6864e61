"""The arguments of one marker, read and checked as Python does for a call.

`lab.plugin.markers` combines the two markers of a test.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

import pytest

from lab.claim import AXES, O
from lab.curves.limits import COUNTABLE, FEWEST_SIZES, default_sizes
from lab.errors import LabError, nearest
from lab.units import increasing, parse_bytes, parse_sizes

T = TypeVar("T")

TIMEOUT = 600.0
"""Seconds for the body of a test at one size."""


@dataclass(frozen=True)
class BudgetMarker:
    """The arguments of ``memory_budget``.

    Attributes:
        peak: Most bytes at any time.
        warm_up: Whether the body runs once before it is measured.
        timeout: Seconds for each run.
    """

    peak: int
    warm_up: bool
    timeout: float


@dataclass(frozen=True)
class GrowthMarker:
    """The arguments of ``memory_growth``.

    Attributes:
        claim: How the peak grows with the size.
        over: The argument of the test that takes the size.
        sizes: Increasing; the body runs once at each.
        axis: What the sizes count.
        warm_up: Whether the body runs once, at a smaller size, before it is measured.
        allow_inconclusive: Whether an inconclusive curve counts as kept.
        timeout: Seconds for each run.
    """

    claim: O
    over: str
    sizes: tuple[int, ...]
    axis: str
    warm_up: bool
    allow_inconclusive: bool
    timeout: float


def read_budget(mark: pytest.Mark) -> BudgetMarker:
    """Read the arguments of a marker ``memory_budget``.

    Raises:
        LabError: An argument is missing, unknown or invalid.
    """

    def memory_budget(
        peak: str | int, *, warm_up: bool = False, timeout: float = TIMEOUT
    ) -> BudgetMarker:
        return BudgetMarker(_bytes(peak), _flag("warm_up", warm_up), _seconds(timeout))

    return _call(memory_budget, mark)


def read_growth(mark: pytest.Mark) -> GrowthMarker:
    """Read the arguments of a marker ``memory_growth``.

    Raises:
        LabError: An argument is missing, unknown or invalid.
    """

    def memory_growth(
        claim: str | O,
        *,
        over: str,
        sizes: str | Iterable[int] | None = None,
        axis: str | None = None,
        warm_up: bool = True,
        allow_inconclusive: bool = False,
        timeout: float = TIMEOUT,
    ) -> GrowthMarker:
        parsed = claim if isinstance(claim, O) else O.parse(str(claim))
        counted = _axis(parsed, axis or (over if over in AXES else "n"))
        return GrowthMarker(
            parsed,
            over,
            default_sizes(counted) if sizes is None else _sizes(sizes),
            counted,
            _flag("warm_up", warm_up),
            _flag("allow_inconclusive", allow_inconclusive),
            _seconds(timeout),
        )

    return _call(memory_growth, mark)


def _call(reader: Callable[..., T], mark: pytest.Mark) -> T:
    """Call a reader with the arguments of a mark.

    Raises:
        LabError: The arguments do not fit; Python's own messages differ between its versions.
    """
    parameters = inspect.signature(reader).parameters
    if problem := _problem(mark, parameters):
        raise LabError(f"the marker {mark.name} takes {', '.join(parameters)}: {problem}.")
    return reader(*mark.args, **mark.kwargs)


def _problem(mark: pytest.Mark, parameters: Mapping[str, inspect.Parameter]) -> str:
    """Return why the arguments of a mark do not fit the parameters; empty if they do."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    positional = [name for name, parameter in parameters.items() if parameter.kind is not keyword]
    if len(mark.args) > len(positional):
        return "too many positional arguments"
    given = positional[: len(mark.args)]
    for name in mark.kwargs:
        if name not in parameters:
            return f"got an unexpected keyword argument {name!r}"
        if name in given:
            return f"multiple values for argument {name!r}"
    for name, parameter in parameters.items():
        required = parameter.default is inspect.Parameter.empty
        if required and name not in given and name not in mark.kwargs:
            return f"missing a required argument: {name!r}"
    return ""


def _bytes(amount: object) -> int:
    number = parse_bytes(amount) if isinstance(amount, str) else amount
    if not _is_number(number) or not number >= 1:
        raise LabError(f'{amount!r} is not a valid budget: write an amount such as "2 MiB".')
    return int(number)


def _seconds(timeout: object) -> float:
    if not _is_number(timeout) or not timeout > 0:
        raise LabError(f"{timeout!r} is not a valid timeout: write seconds, such as 60.")
    return float(timeout)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise LabError(f"{name} must be True or False, not {value!r}.")
    return value


def _sizes(sizes: object) -> tuple[int, ...]:
    if isinstance(sizes, str):
        parsed = parse_sizes(sizes)
    else:
        numbers = list(sizes) if isinstance(sizes, Iterable) else []
        if not numbers or not all(isinstance(size, int) for size in numbers):
            raise LabError(
                f'{sizes!r} is not valid as sizes: write "8000..128000" or a list of whole numbers.'
            )
        parsed = increasing(tuple(numbers))
    if len(parsed) < FEWEST_SIZES:
        raise LabError(
            f"memory_growth needs {FEWEST_SIZES} sizes or more, each twice the one before, and "
            f"has {len(parsed)}."
        )
    return parsed


def _axis(claim: O, axis: str) -> str:
    if axis not in AXES:
        raise LabError(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}")
    if axis == "n" and (countable := COUNTABLE.intersection(claim.axes)):
        name = min(countable)
        raise LabError(f'{claim} is about {name}, but the sizes count n: set axis="{name}".')
    return axis
