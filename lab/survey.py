"""Measure the lesson's table: curves for every claim, then each scenario at its own size."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from lab.compare import (
    Announce,
    Answer,
    DifferentAnswersError,
    check_same_answers,
    prepared,
    ready,
    variant_workload,
)
from lab.measure.curve import Curve, Reading, Witness
from lab.measure.environment import environment
from lab.measure.growth import growth
from lab.measure.sweep import Job, Schedule, curves, run, sweep_of
from lab.measure.verdict import verdict
from lab.pattern import Pattern
from lab.patterns import pattern
from lab.scenarios import SCENARIOS, Scenario
from lab.table import Measured, Row, Table, Timings, judge_amount

_HEADROOM = 1.6
"""Resident memory of a naive variant, over its heap: arenas and the allocator's own."""

CurveKey = tuple[str, str, str]
"""A pattern's name, a variant's name, an axis."""

PointKey = tuple[str, str, int]
"""A pattern's name, a variant's name, a size along the scenario's axis."""


def measure_table(
    scenarios: Sequence[Scenario] = SCENARIOS,
    *,
    quick: bool = False,
    schedule: Schedule | None = None,
    announce: Announce | None = None,
) -> Table:
    """Measure scenarios: first the curves, then, knowing the slopes, each at its own size.

    A row of which a variant lacks its extra is left out, with a note.

    Args:
        scenarios: Rows to measure.
        quick: At a tenth of the scenarios' sizes; the curves that are judged stay as they are,
            or could tell nothing.
        schedule: How many processes side by side, and how much memory a point may need; a
            naive variant that would need more is extrapolated.
        announce: Told before each phase.

    Raises:
        LabError: A variant could not be measured.
        DifferentAnswersError: Two variants of a pattern gave different answers.
    """
    schedule = schedule or Schedule()
    announce = announce or _say_nothing
    scenarios, left_out = _ready(scenarios)
    chosen = [scenario.tenth() for scenario in scenarios] if quick else list(scenarios)
    timings = Timings()
    counted = replace(schedule, on_reading=_counting(schedule, timings))
    wanted = _curves_wanted(chosen, quick)
    with _clock(timings, "data"):
        announce("Data", 0)
        stack = _prepared(chosen, wanted)
    with stack:
        with _clock(timings, "curves"):
            found = _measure_curves(wanted, counted, announce)
        with _clock(timings, "scenarios"):
            points = _measure_points(chosen, found, counted, announce)
    rows = tuple(_row(scenario, found, points) for scenario in chosen)
    return Table(rows, environment(), timings, quick, left_out)


def _ready(scenarios: Sequence[Scenario]) -> tuple[list[Scenario], tuple[str, ...]]:
    """Leave out the rows of which a variant lacks its extra; say what each of those wants."""
    chosen: list[Scenario] = []
    left_out: list[str] = []
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        names = filter(None, (scenario.naive, scenario.streaming, scenario.printed))
        _, wants = ready(lesson, [lesson[name] for name in names])
        left_out += wants
        if not wants:
            chosen.append(scenario)
    return chosen, tuple(dict.fromkeys(left_out))


def _curves_wanted(scenarios: Sequence[Scenario], quick: bool) -> dict[CurveKey, tuple[int, ...]]:
    """List every curve that some row needs, once, with its sizes.

    A quick run takes three sizes where no verdict rests on a curve, for the slope alone.
    """
    judged = {(s.pattern, name) for s in scenarios for name in (s.advised, s.printed)}
    wanted: dict[CurveKey, tuple[int, ...]] = {}
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        for name in (scenario.naive, scenario.streaming, *_printed_for_memory(scenario)):
            variant = lesson[name]
            # Only the advised variant's claim is tested; the others' growth is shown.
            tested = scenario.claim.axes if name == scenario.advised else ()
            for axis in dict.fromkeys((scenario.axis, *tested)):
                if lesson.concerns(variant, axis):
                    sizes = lesson.sizes_for(variant, axis)
                    short = quick and (lesson.name, name) not in judged
                    wanted[lesson.name, name, axis] = sizes[:3] if short else sizes
    return wanted


def _printed_for_memory(scenario: Scenario) -> tuple[str, ...]:
    """Name the lesson's own code where its memory is what is wrong with it."""
    if scenario.printed is None:
        return ()
    springs = pattern(scenario.pattern)[scenario.printed].springs
    return (scenario.printed,) if springs == "memory" else ()


def _prepared(
    scenarios: Sequence[Scenario], wanted: Mapping[CurveKey, tuple[int, ...]]
) -> ExitStack:
    """Enter what the patterns need around all measuring: data for every size, a server."""
    sizes: dict[tuple[str, str], set[int]] = {}
    for (name, _, axis), swept in wanted.items():
        sizes.setdefault((name, axis), set()).update(swept)
    for scenario in scenarios:
        sizes[scenario.pattern, scenario.axis].add(scenario.size)
    with ExitStack() as stack:
        for (name, axis), each in sizes.items():
            stack.enter_context(prepared(pattern(name), axis, each))
        return stack.pop_all()


def _measure_curves(
    wanted: Mapping[CurveKey, tuple[int, ...]], schedule: Schedule, announce: Announce
) -> dict[CurveKey, Curve]:
    sweeps = {
        (name, variant, axis): sweep_of(Answer(pattern(name), pattern(name)[variant]), axis, sizes)
        for (name, variant, axis), sizes in wanted.items()
    }
    announce("Curves", sum(len(sizes) for sizes in wanted.values()))
    found = curves(sweeps, ("heap",), schedule)
    for name, axis in {(key[0], key[2]) for key in found}:
        same = {k[1]: c for k, c in found.items() if (k[0], k[2]) == (name, axis)}
        check_same_answers(pattern(name), same)
    return found


def _measure_points(
    scenarios: Sequence[Scenario],
    found: Mapping[CurveKey, Curve],
    schedule: Schedule,
    announce: Announce,
) -> dict[PointKey, Measured]:
    """Measure both variants of each scenario at its size, the largest first."""
    plans: dict[PointKey, _Plan] = {}
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        for name in (scenario.naive, scenario.streaming):
            curve = found[lesson.name, name, scenario.axis]
            plan = _plan(lesson, name, scenario, curve, schedule.max_memory)
            plans[lesson.name, name, scenario.size] = plan
    jobs = {(key, w): job for key, plan in plans.items() for w, job in plan.jobs().items()}
    ordered = sorted(jobs, key=lambda key: -jobs[key].expected)
    announce("Scenarios", len(jobs))
    readings = dict(zip(ordered, run([jobs[key] for key in ordered], schedule), strict=True))
    return {
        key: plan.measured({w: readings[key, w] for w in plan.jobs()})
        for key, plan in plans.items()
    }


@dataclass(frozen=True)
class _Plan:
    """How one variant is measured: at the scenario's size, or at a smaller one and scaled up.

    Attributes:
        workload_size: The size that is run.
        expected: Bytes that the run is expected to need.
        heap: Bytes of heap read off the curve at the scenario's size, if it is extrapolated.
        scale: By how much the resident set is scaled up then.
    """

    lesson: Pattern
    variant: str
    axis: str
    workload_size: int
    expected: int
    heap: int | None = None
    scale: float = 1.0

    def jobs(self) -> dict[Witness, Job]:
        sizes = {self.axis: self.workload_size}
        workload = variant_workload(self.lesson, self.lesson[self.variant], sizes)
        witnesses: tuple[Witness, ...] = ("heap", "rss") if self.heap is None else ("rss",)
        return {witness: Job(workload, witness, expected=self.expected) for witness in witnesses}

    def measured(self, readings: Mapping[Witness, Reading]) -> Measured:
        rss, heap = readings["rss"], readings.get("heap")
        errors = [reading.error for reading in readings.values() if reading.error]
        error = f"{self.variant} was {errors[0]}" if errors else None
        resident = None if rss.error else round(rss.value * self.scale)
        if heap is None:
            return Measured(self.variant, self.heap, resident, extrapolated=True, error=error)
        peak = None if heap.error else round(heap.value)
        return Measured(
            self.variant, peak, resident, series=heap.series, digest=heap.digest, error=error
        )


def _plan(
    lesson: Pattern, variant: str, scenario: Scenario, curve: Curve, max_memory: int | None
) -> _Plan:
    """Plan one variant; only a naive one is ever too large to run, and then extrapolated."""
    sizes, peaks = curve.seen()
    axis, size = scenario.axis, scenario.size
    if len(sizes) < 2:
        return _Plan(lesson, variant, axis, size, 0)
    line = growth(sizes, peaks).line
    expected = round(max(0.0, line.at(size)) * _HEADROOM)
    fits = max_memory is None or expected <= max_memory
    if fits or lesson[variant].role != "naive" or size <= sizes[-1]:
        return _Plan(lesson, variant, axis, size, expected)
    heap = round(line.at(size))
    small = round(peaks[-1] * _HEADROOM)
    return _Plan(lesson, variant, axis, sizes[-1], small, heap, heap / peaks[-1])


def _row(
    scenario: Scenario, found: Mapping[CurveKey, Curve], points: Mapping[PointKey, Measured]
) -> Row:
    lesson = pattern(scenario.pattern)
    names = (scenario.naive, scenario.streaming, *_printed_for_memory(scenario))
    own = {k[1:]: c for k, c in found.items() if k[0] == lesson.name and k[1] in names}
    naive, streaming = (
        points[lesson.name, name, scenario.size] for name in (scenario.naive, scenario.streaming)
    )
    if naive.digest and streaming.digest and naive.digest != streaming.digest:
        raise DifferentAnswersError(
            f"{lesson.name}: {naive.variant} and {streaming.variant} give different answers at "
            f"{scenario.amount}."
        )
    seen = own[scenario.advised, scenario.axis].seen()
    held = verdict(_tested(own, scenario.advised, scenario), scenario.claim)
    advised = naive if scenario.judged == "naive" else streaming
    return Row(
        scenario,
        naive,
        streaming,
        growth(*seen) if len(seen[0]) >= 2 else None,
        judge_amount(held, advised, scenario.most),
        lesson[scenario.printed] if scenario.printed else None,
        next((verdict(own[n, scenario.axis], scenario.claim) for n in names[2:]), None),
        own,
    )


def _tested(
    own: Mapping[tuple[str, str], Curve], variant: str, scenario: Scenario
) -> Iterator[Curve]:
    """Yield the curves that test the scenario's claim for one variant, its own axis first."""
    for axis in dict.fromkeys((scenario.axis, *scenario.claim.axes)):
        if (variant, axis) in own:
            yield own[variant, axis]


def _counting(schedule: Schedule, timings: Timings) -> Callable[[Job, Reading], None]:
    def count(job: Job, reading: Reading) -> None:
        timings.overheads.append(reading.overhead)
        if schedule.on_reading is not None:
            schedule.on_reading(job, reading)

    return count


def _say_nothing(what: str, total: int) -> None:
    pass


@contextmanager
def _clock(timings: Timings, phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    setattr(timings, phase, time.perf_counter() - start)
