"""Where the sizes cannot tell, more is measured: until it can be told, within limits."""

import pytest

import lab
from lab.claim import O
from lab.curves.curve import Reading
from lab.curves.elsewhere import NOWHERE, Elsewhere
from lab.curves.verdict import verdict
from lab.errors import LabError
from lab.measure.follow_up import settled
from lab.measure.schedule import Schedule
from lab.measure.sweep import Readings, Sweep, sweep_of
from lab.measure.workload import Function
from tests.measure import hidden_growth

HIDDEN = "tests.measure.hidden_growth:"
SMALL = (1_000, 2_000, 4_000, 8_000, 16_000)


def measured(name, claim=None, sizes=None, schedule=None, **more):
    target = name if ":" in name else HIDDEN + name
    claim = claim or O(1)
    curve = lab.sweep(target, sizes=sizes, schedule=schedule, claim=claim, **more)
    return curve, verdict(curve, claim)


def fills_up(n):
    """Grow up to 40,000 items, and then no more."""
    return len(bytearray(55 * min(n, 72_000))) and n


FILLS_UP = "tests.measure.test_follow_up:fills_up"


def test_memory_that_fills_up_is_followed_until_it_is_flat(alone):
    curve, found = measured(FILLS_UP, schedule=alone)
    assert found.finding == "kept"
    assert "then is flat" in found.reason
    assert curve.asked == 5 < len(curve.points)


def test_sizes_that_are_too_small_are_followed_by_larger_ones(alone):
    curve, found = measured("numpy_in_place", sizes=SMALL, schedule=alone)
    assert found.finding == "kept"
    assert curve.points[-1].size > SMALL[-1]


@pytest.mark.slow
def test_growth_that_bends_upwards_is_followed(alone):
    assert measured("late_quadratic", O("n"), schedule=alone)[1].finding == "broken"


@pytest.mark.parametrize(
    "name",
    [
        "loads_once",
        pytest.param("fills_a_cached_table", marks=pytest.mark.slow),
        pytest.param("remembers_in_a_class", marks=pytest.mark.slow),
    ],
)
def test_a_cache_that_the_warm_up_filled_does_not_hide_growth(name, alone):
    curve, found = measured(name, schedule=alone)
    assert found.finding == "broken"
    assert "without a warm-up" in found.reason
    assert not curve.warm


def test_the_first_calls_of_what_is_flat_are_flat_too(alone):
    curve, found = measured("numpy_blocks", schedule=alone)
    assert (found.finding, found.wants) == ("kept", "")
    assert curve.warm
    assert [point.size for point in curve.first_calls] == [8_000, 128_000]


def test_a_pool_that_only_the_resident_set_shows_is_measured_by_it(alone):
    curve, found = measured("polars_like_pool", schedule=alone)
    assert found.finding == "broken"
    assert "by the resident set: grows" in found.reason
    assert all(point.peak_rss_bytes for point in curve.points)


def refuses_more_than_16_000(n):
    """Fill up to a size that nobody may exceed."""
    if n > 16_000:
        raise ValueError("at most 16,000 rows")
    return hidden_growth.string_buffer(min(n, 8_000))


def test_a_target_that_refuses_larger_sizes_stays_inconclusive(alone):
    target = "tests.measure.test_follow_up:refuses_more_than_16_000"
    curve, found = measured(target, sizes=SMALL, schedule=alone, constant_answer="it is cut")
    assert found.finding == "inconclusive"
    assert [point.size for point in curve.points] == list(SMALL)
    assert curve.overall_error is None


def has_16_000(n):
    """Fill up, and yield what there is."""
    kept = bytearray(55 * min(n, 9_000))
    yield from range(min(n, 16_000))
    del kept


def test_larger_sizes_end_where_the_data_of_the_target_does(alone):
    target = "tests.measure.test_follow_up:has_16_000"
    curve, found = measured(target, sizes=SMALL, schedule=alone)
    assert found.finding == "inconclusive"
    assert "more and more slowly" in found.reason
    assert [point.size for point in curve.points] == list(SMALL)


def test_an_error_at_a_size_that_was_asked_for_is_raised(alone):
    target = "tests.measure.test_follow_up:refuses_more_than_16_000"
    with pytest.raises(lab.LabError, match="at most 16,000 rows"):
        measured(target, sizes=(8_000, 16_000, 32_000), schedule=alone)


@pytest.mark.slow
def test_a_cache_that_is_not_full_at_any_of_the_sizes_is_not_called_growth(alone):
    assert measured(FILLS_UP, sizes=SMALL, schedule=alone)[1].finding == "kept"


def test_a_claim_about_times_is_refused():
    described = sweep_of(Function(FILLS_UP), "n")
    with pytest.raises(LabError, match="let the first witness be heap or rss"):
        settled({"": described}, ("seconds", "heap"), None, lambda _, __: "")


def test_a_run_is_expected_to_need_what_the_others_did():
    readings = Readings(
        Sweep("f", "n", (10, 20), lambda size: Function(FILLS_UP).workload("n", size)), ("heap",)
    )
    assert readings.job((20, "heap", True), "").expected == 0
    readings.add((10, "heap", True), Reading(5_000))
    readings.add((10, "seconds", True), Reading(9e9))
    assert readings.job((20, "heap", True), "").expected == 10_000


def test_of_several_runs_the_median_counts_and_of_child_processes_the_most():
    readings = Readings(Sweep("f", "n", (1, 2), lambda size, warm: None), ("heap",))
    for value, children in ((30, 500), (10, 900), (20, 100)):
        elsewhere = Elsewhere(children=children, commands=(f"c{children}",), files=value)
        readings.add((1, "heap", True), Reading(value, elsewhere=elsewhere))
    readings.add((2, "heap", True), Reading(40))
    first, second = readings.curve().points
    assert (first.peak_heap_bytes, first.repeats) == (20, 3)
    assert first.elsewhere == Elsewhere(children=900, commands=("c900",), files=20)
    assert (second.peak_heap_bytes, second.elsewhere) == (40, NOWHERE)


def test_more_runs_take_no_longer_than_they_may(alone, monkeypatch):
    described = sweep_of(Function(FILLS_UP), "n")
    monkeypatch.setattr("lab.measure.follow_up._Subject.begin", _begin_without_more)
    wants = lambda _, curve: verdict(curve, O(1)).wants  # noqa: E731
    curves = settled({"": described}, ("heap",), alone, wants, extra_seconds=0.0)
    assert len(curves[""].points) == 5


def _begin_without_more(subject, new):
    """Keep the first round, but not as what later rounds may take."""
    subject._keep(subject.readings.first(), new)


def ragged(n):
    """Differ from run to run, around the same peak."""
    import os

    held = bytearray(1_000_000 + os.urandom(1)[0] * 4_000)
    return len(held) and n


@pytest.mark.slow
def test_a_ragged_curve_is_that_of_the_medians_of_three_runs(alone):
    curve, _ = measured("tests.measure.test_follow_up:ragged", schedule=alone)
    assert {point.repeats for point in curve.points} == {3}


@pytest.mark.slow
def test_times_are_taken_of_every_size(alone):
    described = sweep_of(Function(FILLS_UP), "n")
    wants = lambda _, curve: verdict(curve, O(1)).wants  # noqa: E731
    curve = settled({"": described}, ("heap", "rss", "seconds"), alone, wants)[""]
    assert len(curve.points) > 5
    assert all(point.seconds is not None for point in curve.points)


LONG = {
    "fills_two_megabytes",
    "sqlite_file",
    "json_lines",
    "random_order",
    "collector_is_off",
    "thread_pool_of_four",
}
"""Functions that take longest; they are measured by `make everything` only."""


def each_of(functions):
    """Return the functions as parameters: every second one for the slow tests, all for the full."""
    return [
        pytest.param(
            function,
            id=function.__name__,
            marks=pytest.mark.full if function.__name__ in LONG or number % 2 else (),
        )
        for number, function in enumerate(functions)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("function", each_of(hidden_growth.FLAT))
def test_what_is_flat_is_kept_or_cannot_be_told(function):
    """Threads that race, and a machine that is busy, may leave a curve too ragged."""
    _, found = measured(function.__name__, schedule=Schedule(1))
    racing = {"thread_pool_of_four", "bounded_queue"}
    allowed = {"kept", "inconclusive"} if function.__name__ in racing else {"kept"}
    assert found.finding in allowed, found.reason


@pytest.mark.slow
@pytest.mark.parametrize("function", each_of(hidden_growth.GROWING))
def test_what_grows_is_broken(function):
    _, found = measured(function.__name__, schedule=Schedule(1))
    assert found.finding == "broken", found.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sizes"), [("cycles_of_blocks", (100, 200, 400, 800, 1_600)),
                        ("large_documents", (50, 100, 200, 400, 800))],
)  # fmt: skip
def test_small_sizes_of_large_items_are_enough(name, sizes):
    _, found = measured(name, sizes=sizes, schedule=Schedule(1))
    assert found.finding == "kept", found.reason
