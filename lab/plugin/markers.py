"""The markers of one test: find both, check them against the test, and add the size parameter.

`lab.plugin.marker_arguments` reads the arguments of a single marker.
"""

import dis
from dataclasses import dataclass
from inspect import signature
from types import FunctionType

import pytest

from lab.budgets.judge import Promise
from lab.errors import LabError
from lab.plugin.case_methods import is_case_method, pass_size
from lab.plugin.marker_arguments import BudgetMarker, GrowthMarker, read_budget, read_growth
from lab.plugin.pytest_internals import arguments_of_fixtures, parameter_marks, parameters

_MEMRAY_MARKERS = ("limit_memory", "limit_leaks", "limit_leaked_objects")
"""The markers of pytest-memray."""

_BY_NAME = {"vars", "eval", "exec", "_getframe", "currentframe", "getfixturevalue"}
"""Functions that may read an argument by its name, besides ``locals``."""


@dataclass(frozen=True)
class Markers:
    """The markers of one test.

    Attributes:
        budget: ``memory_budget``, or None.
        growth: ``memory_growth``, or None; at least one of the two is given.
    """

    budget: BudgetMarker | None
    growth: GrowthMarker | None

    @property
    def promise(self) -> Promise:
        """What the curve of the test is judged by."""
        return Promise(
            self.growth.claim if self.growth else None,
            self.budget.peak if self.budget else None,
            self.growth.allow_inconclusive if self.growth else False,
        )

    @property
    def timeout(self) -> float:
        """Seconds for each run."""
        return max(marker.timeout for marker in (self.budget, self.growth) if marker)

    @property
    def warm_up(self) -> bool:
        """Whether the body runs once before it is measured."""
        return any(marker.warm_up for marker in (self.budget, self.growth) if marker)


def read_markers(item: pytest.Function) -> Markers | None:
    """Return the markers of a test; None if it has neither.

    Raises:
        LabError: A marker has wrong arguments, or does not suit the test.
    """
    budget, growth = _closest_mark(item, "memory_budget"), _closest_mark(item, "memory_growth")
    if budget is None and growth is None:
        return None
    for memray_marker in _MEMRAY_MARKERS:
        if item.get_closest_marker(memray_marker) is not None:
            name = "memory_budget" if budget else "memory_growth"
            raise LabError(
                f"{name} and {memray_marker} both need the only memory tracker of a process: "
                "remove one of the two markers."
            )
    markers = Markers(budget and read_budget(budget), growth and read_growth(growth))
    if markers.growth:
        _check_argument(markers.growth.over, item)
    return markers


def parametrize(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    """Make the argument that takes the size a parameter, at first with the smallest size.

    A measuring process replaces the value by its own size. An invalid marker does nothing here:
    `read_markers` raises its error when the test runs.
    """
    try:
        growth = read_growth(mark)
    except LabError:
        return
    if growth.over in metafunc.fixturenames:
        name = f"{growth.over}={growth.sizes[0]}..{growth.sizes[-1]}"
        metafunc.parametrize(growth.over, [growth.sizes[0]], ids=[name])


def pass_smallest_size(item: pytest.Function, mark: pytest.Mark) -> None:
    """Make a method of a `TestCase` get the smallest size when it runs without a measurement."""
    try:
        growth = read_growth(mark)
    except LabError:
        return
    if is_case_method(item) and growth.over in signature(item.function).parameters:
        pass_size(item, growth.over, growth.sizes[0])


def _closest_mark(item: pytest.Function, name: str) -> pytest.Mark | None:
    """Return the last mark of a parameter or, if there is none, the closest mark for pytest."""
    own = [mark for mark in parameter_marks(item) if mark.name == name]
    return own[-1] if own else item.get_closest_marker(name)


def _check_argument(over: str, item: pytest.Function) -> None:
    in_case = is_case_method(item)
    if over not in (signature(item.function).parameters if in_case else item.fixturenames):
        raise LabError(
            f"memory_growth has over={over!r}, which is not an argument of {item.originalname}: "
            "name the argument that takes the size."
        )
    if not in_case and over not in parameters(item):
        raise LabError(
            "memory_growth cannot be a mark of a single parameter: mark the test function."
        )
    by_fixtures = {over, "request"} & arguments_of_fixtures(item)
    if not by_fixtures and _never_reads(item.function, over):
        raise LabError(
            f"{item.originalname} never reads {over!r}, which takes the size of memory_growth, so "
            "its memory says nothing: use the size in the body."
        )


def _never_reads(function: object, name: str) -> bool:
    """Return whether a plain function certainly never reads the argument of that name."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return False
    code = function.__code__
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return name in arguments and not any(
        _may_read(instruction, name) for instruction in dis.get_instructions(code)
    )


def _may_read(instruction: dis.Instruction, name: str) -> bool:
    value, operation = instruction.argval, instruction.opname
    if value == "locals":  # an attribute in an assertion that pytest has rewritten
        return "GLOBAL" in operation
    names = value if isinstance(value, tuple) else (value,)
    return value in _BY_NAME or (name in names and ("LOAD" in operation or "CELL" in operation))
