"""The two markers: what they promise of a test, and what is wrong with them."""

from dataclasses import dataclass

import pytest

from lab.budgets.judge import Promise
from lab.errors import LabError
from lab.plugin.arguments import Budget, Growth, budget, growth

_TRACKERS = ("limit_memory", "limit_leaks", "limit_leaked_objects")
"""The markers of pytest-memray."""


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

    @property
    def warm_up(self) -> bool:
        """Whether the body runs once before it is looked at."""
        return any(part.warm_up for part in (self.budget, self.growth) if part)


def wanted(item: pytest.Function) -> Wanted | None:
    """Read the markers of a test; None where it has neither.

    Raises:
        LabError: One of them makes no sense.
    """
    ceiling, claim = _mark(item, "memory_budget"), _mark(item, "memory_growth")
    if ceiling is None and claim is None:
        return None
    for taken in _TRACKERS:
        if item.get_closest_marker(taken) is not None:
            name = "memory_budget" if ceiling else "memory_growth"
            raise LabError(
                f"{name} and {taken} both want the one memory tracker of a process: keep one of "
                "the two markers."
            )
    found = Wanted(ceiling and budget(ceiling), claim and growth(claim))
    if found.growth:
        _check(found.growth.over, item)
    return found


def parametrize(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    """Make the argument that the test grows over a parameter; the sizes come one by one later."""
    try:
        found = growth(mark)
    except LabError:
        return  # the test will say so
    if found.over in metafunc.fixturenames:
        name = f"{found.over}={found.sizes[0]}..{found.sizes[-1]}"
        metafunc.parametrize(found.over, [found.sizes[0]], ids=[name])


def _mark(item: pytest.Function, name: str) -> pytest.Mark | None:
    """Return the closest mark: a parameter's, or else what pytest takes for the closest."""
    parameters = item.callspec.marks if hasattr(item, "callspec") else []
    own = [mark for mark in parameters if mark.name == name]
    return own[-1] if own else item.get_closest_marker(name)


def _check(over: str, item: pytest.Function) -> None:
    if over not in item.fixturenames:
        raise LabError(
            f"memory_growth is over {over!r}, which is no argument of {item.originalname}: name "
            "the one that takes the size."
        )
    if not hasattr(item, "callspec") or over not in item.callspec.params:
        raise LabError("memory_growth cannot come with a parameter: mark the function itself.")
