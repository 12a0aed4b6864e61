"""An asynchronous setup: entered, drained and left by one task of one event loop."""

import pytest

import lab
from lab.errors import LabError
from lab.measure.schedule import Schedule
from lab.measure.workload import Function

HERE = "tests.measure.async_setups"


def sweep(target, setup, sizes=(500, 1_000)):
    function = Function(f"{HERE}:{target}", f"{HERE}:{setup}")
    return lab.sweep(function, "n", sizes, schedule=Schedule(parallel=1))


@pytest.mark.parametrize(("target", "items"), [("stream", 1_000), ("plain", 1_000), ("value", 1)])
def test_its_argument_is_used_on_its_own_loop(target, items):
    assert sweep(target, "opened").points[1].counts["items"] == items


def test_the_peak_is_that_of_the_target_alone():
    sizes = lab.doubling(8_000, 128_000)
    assert lab.verdict(sweep("keeps", "opened", sizes), lab.O("n")).finding == "kept"
    assert sweep("value", "fifty_blocks", [1]).points[0].peak_heap_bytes < 1_000_000


@pytest.mark.parametrize(
    ("target", "setup", "says"),
    [
        ("fails", "opened", r"fails raised ValueError: no rows today"),
        ("stream", "fails_to_open", r"raised ConnectionError: no database"),
        ("stream", "fails_to_close", r"raised ConnectionError: lost the database"),
        ("stream", "not_decorated", r"returns a generator, not a context manager: decorate it"),
        ("stream", "not_a_manager", r"returns a coroutine, not a context manager: decorate it"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine")
def test_its_errors_are_said_as_those_of_others(target, setup, says):
    with pytest.raises(LabError, match=says) as raised:
        sweep(target, setup)
    assert "lab/measure" not in raised.value.details
    assert "asyncio/" not in raised.value.details
