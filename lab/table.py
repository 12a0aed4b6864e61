"""Measure the lesson's table: curves for every claim, then each scenario at its own size."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from lab.compare import check_same_answers, variant_workload
from lab.measure.curve import Curve, Point, Reading, Witness
from lab.measure.environment import environment
from lab.measure.growth import Growth, growth
from lab.measure.sweep import Job, Schedule, run
from lab.measure.verdict import Verdict, describe, verdict
from lab.pattern import O, Pattern
from lab.patterns import pattern
from lab.scenarios import SCENARIOS, Scenario
from lab.units import show_bytes

TOLERANCE = 1.1
"""A named amount is kept up to a tenth more than it says."""

_HEADROOM = 1.6
"""Resident memory of a naive variant, over its heap: arenas and the allocator's own."""

CurveKey = tuple[str, str, str]
"""A pattern's name, a variant's name, an axis."""


@dataclass(frozen=True)
class Measured:
    """One variant at a scenario's size.

    Attributes:
        variant: Its name.
        heap: Peak heap in bytes.
        rss: Rise of the resident set in bytes.
        extrapolated: Whether the figures were scaled up from smaller sizes.
        series: Heap over time as (seconds, bytes).
        digest: Its answer.
    """

    variant: str
    heap: int
    rss: int
    extrapolated: bool = False
    series: tuple[tuple[float, int], ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Row:
    """One scenario, measured: figures of both variants, and the verdict on what the lesson says.

    Attributes:
        scenario: What was measured.
        naive: The naive variant at the scenario's size.
        streaming: The streaming one.
        growth: Of the advised variant along the scenario's axis.
        verdict: On the lesson's claim for the advised variant.
        printed: On the same claim for the lesson's own code, where that is another variant.
        curves: All curves of the row, by variant and axis.
    """

    scenario: Scenario
    naive: Measured
    streaming: Measured
    growth: Growth
    verdict: Verdict
    printed: Verdict | None
    curves: Mapping[tuple[str, str], Curve]

    @property
    def growth_found(self) -> str:
        """What the advised variant does along the scenario's axis: flat, or bytes per item."""
        return describe(self.growth, self.scenario.axis)


@dataclass
class Timings:
    """Where the time went, in seconds."""

    data: float = 0
    curves: float = 0
    scenarios: float = 0
    overheads: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """The lesson's table, measured."""

    rows: tuple[Row, ...]
    environment: Mapping[str, Any]
    timings: Timings
    quick: bool


Announce = Callable[[str, int], None]
"""Called with what begins now and how many points it has."""


def measure_table(
    scenarios: Sequence[Scenario] = SCENARIOS,
    *,
    quick: bool = False,
    schedule: Schedule | None = None,
    announce: Announce | None = None,
) -> Table:
    """Measure scenarios: first the curves, then, knowing the slopes, each at its own size.

    Args:
        scenarios: Rows to measure.
        quick: At a tenth of the scenarios' sizes; the curves stay, or could tell nothing.
        schedule: How many processes side by side, and how much memory a point may need; a
            naive variant that would need more is extrapolated.
        announce: Told before each phase.
    """
    schedule = schedule or Schedule()
    chosen = [scenario.tenth() for scenario in scenarios] if quick else list(scenarios)
    timings = Timings()
    counted = replace(schedule, on_reading=_counting(schedule, timings))
    wanted = _curves_wanted(chosen)
    with _clock(timings, "data"):
        stack = _prepared(chosen, wanted)
    with stack:
        with _clock(timings, "curves"):
            curves = _measure_curves(wanted, counted, announce)
        with _clock(timings, "scenarios"):
            points = _measure_points(chosen, curves, counted, announce)
    rows = tuple(_row(scenario, curves, points) for scenario in chosen)
    return Table(rows, environment(), timings, quick)


def _curves_wanted(scenarios: Sequence[Scenario]) -> dict[CurveKey, tuple[int, ...]]:
    """List every curve that some row needs, once, with its sizes."""
    wanted: dict[CurveKey, tuple[int, ...]] = {}
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        for name in scenario.variants():
            variant = lesson[name]
            # Only the advised variant's claim is tested; the others' growth is shown.
            tested = scenario.claim.axes if name == scenario.advised else ()
            for axis in dict.fromkeys((scenario.axis, *tested)):
                if lesson.concerns(variant, axis):
                    wanted[lesson.name, name, axis] = lesson.sizes_for(variant, axis)
    return wanted


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
            lesson = pattern(name)
            if axis in lesson.fixed:
                # From the largest down: a table that is large enough needs no second look.
                for size in sorted(each, reverse=True):
                    stack.enter_context(lesson.prepare(**{**lesson.fixed, axis: size}))
        return stack.pop_all()


def _measure_curves(
    wanted: Mapping[CurveKey, tuple[int, ...]], schedule: Schedule, announce: Announce | None
) -> dict[CurveKey, Curve]:
    jobs: dict[tuple[CurveKey, int], Job] = {}
    for key, sizes in wanted.items():
        name, variant, axis = key
        lesson = pattern(name)
        for size in sizes:
            workload = variant_workload(lesson, lesson[variant], {axis: size})
            jobs[key, size] = Job(workload, "heap", series=" ".join(key))
    if announce is not None:
        announce("Curves", len(jobs))
    readings = dict(zip(jobs, run(list(jobs.values()), schedule), strict=True))
    found = {
        key: Curve(
            target=f"{key[0]} {key[1]}",
            axis=key[2],
            points=tuple(Point.of(size, {"heap": readings[key, size]}) for size in sizes),
            environment=environment(),
        )
        for key, sizes in wanted.items()
    }
    for name, axis in {(key[0], key[2]) for key in found}:
        check_same_answers(
            pattern(name), {k[1]: c for k, c in found.items() if (k[0], k[2]) == (name, axis)}
        )
    return found


PointKey = tuple[str, str, int]
"""A pattern's name, a variant's name, a size along the scenario's axis."""


def _measure_points(
    scenarios: Sequence[Scenario],
    curves: Mapping[CurveKey, Curve],
    schedule: Schedule,
    announce: Announce | None,
) -> dict[PointKey, Measured]:
    """Measure both variants of each scenario at its size, the largest first."""
    plans: dict[PointKey, _Plan] = {}
    for scenario in scenarios:
        lesson = pattern(scenario.pattern)
        for name in (scenario.naive, scenario.streaming):
            line = growth(*curves[lesson.name, name, scenario.axis].seen()).line
            plan = _Plan(lesson, name, scenario.axis, scenario.size, max(0.0, line.slope), line.at)
            plans[lesson.name, name, scenario.size] = plan.within(schedule.max_memory)
    jobs = {(key, w): job for key, plan in plans.items() for w, job in plan.jobs().items()}
    ordered = sorted(jobs, key=lambda key: -jobs[key].expected)
    if announce is not None:
        announce("Scenarios", len(jobs))
    readings = dict(zip(ordered, run([jobs[key] for key in ordered], schedule), strict=True))
    return {
        key: plan.measured({w: readings[key, w] for w in plan.jobs()})
        for key, plan in plans.items()
    }


@dataclass(frozen=True)
class _Plan:
    """How one variant is to be measured at a scenario's size, or at a smaller one and scaled up."""

    lesson: Pattern
    variant: str
    axis: str
    size: int
    slope: float
    predict: Callable[[float], float]
    measured_size: int = 0

    def within(self, max_memory: int | None) -> "_Plan":
        """Choose the size to run: the scenario's own if it is expected to fit into memory."""
        need = self._expected(self.size)
        if max_memory is None or need <= max_memory:
            return replace(self, measured_size=self.size)
        return replace(self, measured_size=max(1, int(self.size * 0.8 * max_memory / need)))

    @property
    def extrapolated(self) -> bool:
        return self.measured_size != self.size

    def jobs(self) -> dict[Witness, Job]:
        """Return the jobs to run; the heap of an extrapolated variant is known by its slope."""
        sizes = {self.axis: self.measured_size}
        workload = variant_workload(self.lesson, self.lesson[self.variant], sizes)
        expected = self._expected(self.measured_size)
        witnesses: tuple[Witness, ...] = ("rss",) if self.extrapolated else ("heap", "rss")
        return {witness: Job(workload, witness, expected=expected) for witness in witnesses}

    def measured(self, readings: Mapping[Witness, Reading]) -> Measured:
        rss, heap = readings["rss"], readings.get("heap")
        if heap is None:
            scaled = rss.value * self.size / self.measured_size
            return Measured(self.variant, round(self.predict(self.size)), round(scaled), True)
        return Measured(
            self.variant, round(heap.value), round(rss.value), False, heap.series, heap.digest
        )

    def _expected(self, size: int) -> int:
        return round(max(0.0, self.predict(size)) * _HEADROOM)


def _row(
    scenario: Scenario, curves: Mapping[CurveKey, Curve], points: Mapping[PointKey, Measured]
) -> Row:
    own = {key[1:]: curve for key, curve in curves.items() if _belongs(key, scenario)}
    naive, streaming = (
        points[scenario.pattern, name, scenario.size]
        for name in (scenario.naive, scenario.streaming)
    )
    advised = naive if scenario.judged == "naive" else streaming
    found = verdict(_of(own, scenario.advised, scenario), scenario.claim)
    printed = (
        verdict(_of(own, scenario.printed, scenario), scenario.claim) if scenario.printed else None
    )
    return Row(
        scenario,
        naive,
        streaming,
        growth(*own[scenario.advised, scenario.axis].seen()),
        judge_amount(found, advised.heap, scenario.most, scenario.claim),
        printed,
        own,
    )


def judge_amount(found: Verdict, heap: int, most: int | None, claim: O) -> Verdict:
    """Hold a peak against the amount that was named; what is broken already stays so."""
    if most is None or found.finding == "broken" or heap <= most * TOLERANCE:
        return found
    reason = f"{show_bytes(heap)} of heap, {heap / most:.1f} times the {show_bytes(most)} it names"
    return Verdict("broken", reason, claim, found.axis, found.growth)


def _belongs(key: CurveKey, scenario: Scenario) -> bool:
    return key[0] == scenario.pattern and key[1] in scenario.variants()


def _of(
    curves: Mapping[tuple[str, str], Curve], variant: str, scenario: Scenario
) -> Iterator[Curve]:
    """Yield the curves that test the scenario's claim for one variant, its own axis first."""
    for axis in dict.fromkeys((scenario.axis, *scenario.claim.axes)):
        curve = curves.get((variant, axis))
        if curve is not None:
            yield curve


def _counting(schedule: Schedule, timings: Timings) -> Callable[[Job, Reading], None]:
    def count(job: Job, reading: Reading) -> None:
        timings.overheads.append(reading.overhead)
        if schedule.on_reading is not None:
            schedule.on_reading(job, reading)

    return count


@contextmanager
def _clock(timings: Timings, phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    setattr(timings, phase, time.perf_counter() - start)
