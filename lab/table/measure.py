"""Measuring the lesson's table: curves for every claim, then each scenario at its own size."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NamedTuple

from lab.curves.curve import Curve, Reading
from lab.curves.growth import growth
from lab.curves.verdict import verdict
from lab.measure.environment import environment
from lab.measure.schedule import Job, Schedule, run
from lab.measure.sweep import curves, sweep_of
from lab.patterns import pattern
from lab.table.plan import PointPlan, plan_point
from lab.table.results import CurveKey, Row, TableResult, Timings, VariantFigures, verdict_at_size
from lab.table.scenarios import SCENARIOS, Scenario
from lab.variants import (
    Announce,
    DifferentAnswersError,
    VariantSubject,
    check_same_answers,
    data_for,
    split_by_extra,
)


class PointKey(NamedTuple):
    """Identifies a variant at the size of a scenario.

    Attributes:
        pattern: Name of the pattern.
        variant: Name of the variant.
        size: Rows or bytes, along the scenario's axis.
    """

    pattern: str
    variant: str
    size: int


def measure_table(
    scenarios: Sequence[Scenario] = SCENARIOS,
    *,
    quick: bool = False,
    schedule: Schedule | None = None,
    announce: Announce | None = None,
) -> TableResult:
    """Measure the curves of all scenarios, then each scenario at its own size.

    A row is left out, with a note, if one of its variants lacks its extra.

    Args:
        scenarios: Rows to measure.
        quick: Use a tenth of the scenarios' sizes. The curves with a verdict keep their sizes,
            because smaller ones would be inconclusive.
        schedule: Number of parallel processes, and bytes that a point may need; a naive variant
            that would need more is extrapolated from its slope.
        announce: Called as announce(phase, total) before each phase.

    Raises:
        LabError: A variant could not be measured.
        DifferentAnswersError: Two variants of a pattern gave different answers.
    """
    schedule = schedule or Schedule()
    announce = announce or _say_nothing
    scenarios, left_out = _available(scenarios)
    chosen = [scenario.tenth() for scenario in scenarios] if quick else list(scenarios)
    timings = Timings()
    counted = replace(schedule, on_reading=_counting(schedule, timings))
    wanted = _curves_wanted(chosen, quick)
    with _clock(timings, "data"):
        announce("Data", 0)
        stack = _prepared(chosen, wanted)
    with stack:
        with _clock(timings, "curves"):
            measured = _measure_curves(wanted, counted, announce)
        with _clock(timings, "scenarios"):
            points = _measure_points(chosen, measured, counted, announce)
    rows = tuple(_row(scenario, measured, points) for scenario in chosen)
    return TableResult(rows, environment(), timings, quick, left_out)


def _available(scenarios: Sequence[Scenario]) -> tuple[list[Scenario], tuple[str, ...]]:
    """Return the rows whose variants have their extras, and a sentence for each missing extra."""
    chosen: list[Scenario] = []
    left_out: list[str] = []
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        names = filter(None, (scenario.naive, scenario.streaming, scenario.printed))
        _, missing = split_by_extra(lesson, [lesson[name] for name in names])
        left_out += missing
        if not missing:
            chosen.append(scenario)
    return chosen, tuple(dict.fromkeys(left_out))


def _curves_wanted(scenarios: Sequence[Scenario], quick: bool) -> dict[CurveKey, tuple[int, ...]]:
    """Return the sizes of every curve that a row needs.

    In a quick run a curve without a verdict has three sizes, enough for the slope.
    """
    judged = {(s.pattern, name) for s in scenarios for name in (s.advised, s.printed)}
    wanted: dict[CurveKey, tuple[int, ...]] = {}
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        for name in _with_curves(scenario):
            variant = lesson[name]
            # Only the advised variant's claim is tested; the others' growth is shown.
            tested = scenario.claim.axes if name == scenario.advised else ()
            for axis in dict.fromkeys((scenario.axis, *tested)):
                if lesson.concerns(variant, axis):
                    sizes = lesson.sizes_for(variant, axis)
                    short = quick and (lesson.name, name) not in judged
                    key = CurveKey(lesson.name, name, axis)
                    wanted[key] = sizes[:3] if short else sizes
    return wanted


def _with_curves(scenario: Scenario) -> list[str]:
    """Return the names of the variants of which the scenario needs curves."""
    names = (scenario.naive, scenario.streaming, _printed_for_memory(scenario))
    return [name for name in names if name is not None]


def _printed_for_memory(scenario: Scenario) -> str | None:
    """Return the name of the variant that the lesson prints, if its memory is wrong."""
    if scenario.printed is None:
        return None
    fails_by = pattern(scenario.pattern)[scenario.printed].fails_by
    return scenario.printed if fails_by == "memory" else None


def _prepared(
    scenarios: Sequence[Scenario], wanted: Mapping[CurveKey, tuple[int, ...]]
) -> ExitStack:
    """Enter the contexts that last while everything is measured: data for every size, a server."""
    sizes: dict[tuple[str, str], set[int]] = {}
    for key, swept in wanted.items():
        sizes.setdefault((key.pattern, key.axis), set()).update(swept)
    for scenario in scenarios:
        sizes[scenario.pattern, scenario.axis].add(scenario.size)
    with ExitStack() as stack:
        for (name, axis), each in sizes.items():
            stack.enter_context(data_for(pattern(name), axis, each))
        return stack.pop_all()


def _measure_curves(
    wanted: Mapping[CurveKey, tuple[int, ...]], schedule: Schedule, announce: Announce
) -> dict[CurveKey, Curve]:
    sweeps = {}
    for key, sizes in wanted.items():
        lesson = pattern(key.pattern)
        subject = VariantSubject(lesson, lesson[key.variant])
        sweeps[key] = sweep_of(subject, key.axis, sizes)
    announce("Curves", sum(len(sizes) for sizes in wanted.values()))
    measured = curves(sweeps, ("heap",), schedule)
    by_pattern: dict[tuple[str, str], dict[str, Curve]] = {}
    for key, curve in measured.items():
        by_pattern.setdefault((key.pattern, key.axis), {})[key.variant] = curve
    for (name, _), variants in by_pattern.items():
        check_same_answers(pattern(name), variants)
    return measured


def _measure_points(
    scenarios: Sequence[Scenario],
    measured: Mapping[CurveKey, Curve],
    schedule: Schedule,
    announce: Announce,
) -> dict[PointKey, VariantFigures]:
    """Measure both variants of each scenario at its size, the largest first."""
    plans: dict[PointKey, PointPlan] = {}
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        for name in (scenario.naive, scenario.streaming):
            curve = measured[CurveKey(lesson.name, name, scenario.axis)]
            plan = plan_point(lesson, name, scenario, curve, schedule.max_memory)
            plans[PointKey(lesson.name, name, scenario.size)] = plan
    jobs = {(key, w): job for key, plan in plans.items() for w, job in plan.jobs().items()}
    ordered = sorted(jobs, key=lambda key: -jobs[key].expected)
    announce("Scenarios", len(jobs))
    readings = dict(zip(ordered, run([jobs[key] for key in ordered], schedule), strict=True))
    return {
        key: plan.measured({w: readings[key, w] for w in plan.jobs()})
        for key, plan in plans.items()
    }


def _row(
    scenario: Scenario,
    measured: Mapping[CurveKey, Curve],
    points: Mapping[PointKey, VariantFigures],
) -> Row:
    lesson = pattern(scenario.pattern)
    names = _with_curves(scenario)
    own = {k: c for k, c in measured.items() if k.pattern == lesson.name and k.variant in names}
    naive, streaming = (
        points[PointKey(lesson.name, name, scenario.size)]
        for name in (scenario.naive, scenario.streaming)
    )
    if naive.digest and streaming.digest and naive.digest != streaming.digest:
        raise DifferentAnswersError(
            f"{lesson.name}: {naive.variant} and {streaming.variant} give different answers at "
            f"{scenario.amount}."
        )
    tested = list(_tested(own, scenario))
    sizes, peaks = tested[0].seen()
    advised = naive if scenario.judged == "naive" else streaming
    printed = _printed_for_memory(scenario)
    printed_curve = own[CurveKey(lesson.name, printed, scenario.axis)] if printed else None
    return Row(
        scenario,
        naive,
        streaming,
        growth(sizes, peaks) if len(sizes) >= 2 else None,
        verdict_at_size(verdict(tested, scenario.claim), advised, scenario.most),
        lesson[scenario.printed] if scenario.printed else None,
        verdict(printed_curve, scenario.claim) if printed_curve else None,
        own,
    )


def _tested(own: Mapping[CurveKey, Curve], scenario: Scenario) -> Iterator[Curve]:
    """Yield the advised variant's curves that test the claim, the scenario's own axis first."""
    for axis in dict.fromkeys((scenario.axis, *scenario.claim.axes)):
        key = CurveKey(scenario.pattern, scenario.advised, axis)
        if key in own:
            yield own[key]


def _counting(schedule: Schedule, timings: Timings) -> Callable[[Job, Reading], None]:
    def count(job: Job, reading: Reading) -> None:
        timings.overheads.append(reading.harness_seconds)
        if schedule.on_reading is not None:
            schedule.on_reading(job, reading)

    return count


def _say_nothing(phase: str, total: int) -> None:
    pass


@contextmanager
def _clock(timings: Timings, phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    setattr(timings, phase, time.perf_counter() - start)
