"""The two markers: what they promise, and what is wrong with them."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from lab.budgets.judge import Promise
from lab.errors import LabError
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


@dataclass(frozen=True)
class Wanted:
    """What the markers of one test ask for, either or both of the two."""

    budget: Budget | None
    growth: Growth | None

    @property
    def promise(self) -> Promise:
        """What is held against the curve."""
        return Promise(
            self.growth.claim if self.growth else None,
            self.budget.peak if self.budget else None,
            self.growth.allow_inconclusive if self.growth else False,
        )

    @property
    def timeout(self) -> float:
        """Seconds for each run."""
        return max(part.timeout for part in (self.budget, self.growth) if part)


def wanted(item: pytest.Item) -> Wanted | None:
    """Read the markers of a test; None where it has neither.

    Raises:
        LabError: One of them makes no sense.
    """
    budget, growth = _mark(item, "memory_budget"), _mark(item, "memory_growth")
    if budget is None and growth is None:
        return None
    for taken in ("limit_memory", "limit_leaks", "limit_leaked_objects"):
        if item.get_closest_marker(taken) is not None:
            name = "memory_budget" if budget else "memory_growth"
            raise LabError(
                f"{name} and {taken} both want the one memory tracker of a process: keep one of "
                "the two markers."
            )
    return Wanted(budget and _budget(budget), growth and _growth(growth))


def parametrize(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    """Make the argument that the test grows over a parameter; the sizes come one by one later.

    Raises:
        pytest.Collector.CollectError: The marker makes no sense.
    """
    try:
        growth = _growth(mark)
        if growth.over not in metafunc.fixturenames:
            name = metafunc.function.__name__
            raise LabError(
                f"memory_growth is over {growth.over!r}, which is no argument of {name}: name the "
                "one that takes the size."
            )
    except LabError as error:
        raise pytest.Collector.CollectError(f"{metafunc.definition.nodeid}: {error}") from None
    name = f"{growth.over}={growth.sizes[0]}..{growth.sizes[-1]}"
    metafunc.parametrize(growth.over, [growth.sizes[0]], ids=[name])


def _mark(item: pytest.Item, name: str) -> pytest.Mark | None:
    """Return the closest mark: a parameter's comes before the function's, as pytest lists them."""
    own = [mark for mark in item.own_markers if mark.name == name]
    return own[-1] if own else item.get_closest_marker(name)


def _budget(mark: pytest.Mark) -> Budget:
    def memory_budget(
        peak: str | int, *, warm_up: bool = False, timeout: float = TIMEOUT
    ) -> Budget:
        return Budget(_bytes(peak), bool(warm_up), _seconds(timeout))

    return _call(memory_budget, mark)


def _growth(mark: pytest.Mark) -> Growth:
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
        return Growth(
            claim if isinstance(claim, O) else O.parse(str(claim)),
            over,
            parse_sizes(sizes) if isinstance(sizes, str) else increasing(tuple(sizes)),
            axis or (over if over in AXES else "n"),
            bool(warm_up),
            bool(allow_inconclusive),
            _seconds(timeout),
        )

    return _call(memory_growth, mark)


def _call(reader: Callable[..., T], mark: pytest.Mark) -> T:
    """Call a reader with a mark's arguments, having them checked as Python checks any call."""
    signature = inspect.signature(reader)
    try:
        signature.bind(*mark.args, **mark.kwargs)
    except TypeError as error:
        known = ", ".join(signature.parameters)
        raise LabError(f"the marker {mark.name} takes {known}: {error}.") from None
    return reader(*mark.args, **mark.kwargs)


def _bytes(amount: str | int) -> int:
    found = parse_bytes(amount) if isinstance(amount, str) else int(amount)
    if found < 1:
        raise LabError(f"a budget of {amount!r} is no amount of memory: write it as 2 MiB.")
    return found


def _seconds(timeout: float) -> float:
    if not timeout > 0:
        raise LabError(f"a timeout of {timeout!r} is no time: write seconds, as 60.")
    return float(timeout)
