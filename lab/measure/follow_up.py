"""Measure more where a curve cannot decide its claim: larger sizes, repeats, other witnesses.

Memory that fills up and stops looks like growth until the sizes are large enough, and a ragged
curve needs the median of several runs. A claim that is kept is tested once more without the
warm-up: a cache that the warm-up filled would hide growth.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lab.curves.curve import Curve, Reading, Witness
from lab.curves.decide import REPEATS, Wants
from lab.curves.evidence import missing_answer
from lab.errors import LabError
from lab.measure.remote.dask import at_once
from lab.measure.schedule import Bench, Schedule
from lab.measure.sweep import Key, Readings, Sweep, Taken, take
from lab.system.linux import free_memory

EXTRA_SECONDS = 40.0
"""Seconds of processes that more runs of a curve may take; more if its first runs took more."""

_LARGEST = 256
"""Times the largest size that was asked for; no larger size is taken."""

WantsOf = Callable[[Key, Curve], Wants]
"""Returns what would tell more about a curve; empty for nothing."""

Usable = Callable[[Key, Reading], bool]
"""Returns whether a reading counts that nobody asked for."""


def settled(
    sweeps: Mapping[Key, Sweep],
    witnesses: Sequence[Witness],
    schedule: Schedule | None,
    wants: WantsOf[Key],
    first: Callable[[Key, Sequence[Reading]], object] = lambda *_: None,
    usable: Usable[Key] = lambda *_: True,
    announce: Callable[[int], object] = lambda _: None,
    extra_seconds: float = EXTRA_SECONDS,
) -> dict[Key, Curve]:
    """Measure several sweeps until their claims are decided, or until that would take too long.

    Args:
        sweeps: What to measure.
        witnesses: Any of ``heap``, ``rss``, ``seconds``; the first one is the curves'.
        schedule: How to run the points.
        wants: Called with each curve, until it wants nothing more or cannot have it.
        first: Called with the readings of the first round.
        usable: Called for each reading after the first round.
        announce: Called with the number of runs before each round after the first.
        extra_seconds: Seconds of processes that more runs of one curve may take.

    Raises:
        LabError: A target could not be measured at the sizes that were asked for, or the first
            witness is not one of memory.
    """
    if witnesses[0] == "seconds":
        raise LabError("a claim is about memory: let the first witness be heap or rss.")
    memory = tuple(witness for witness in witnesses if witness != "seconds")
    subjects = {
        key: _Subject(Readings(each, memory), extra_seconds) for key, each in sweeps.items()
    }
    readings = {key: each.readings for key, each in subjects.items()}
    with _on_one_bench(schedule or Schedule()) as bench:
        for key, new in take(readings, {k: r.first() for k, r in readings.items()}, bench).items():
            first(key, new)
            subjects[key].begin(new)
        most = bench.max_memory or free_memory() // 2
        patient = replace(bench, go_on=True, max_memory=most)
        while wanted := _wanted(subjects, wants):
            announce(sum(map(len, wanted.values())))
            for key, new in take(readings, wanted, patient).items():
                good = [usable(key, reading) for reading in new]
                subjects[key].add(wanted[key], new, good=all(good))
        if "seconds" in witnesses:
            _take_times(readings, bench, announce)
    return {key: each.curve() for key, each in readings.items()}


@contextmanager
def _on_one_bench(schedule: Schedule) -> Iterator[Schedule]:
    """Yield a schedule whose rounds share their processes."""
    if schedule.bench is not None:
        yield schedule
        return
    with Bench(at_once(schedule.executor, schedule.parallel)) as bench:
        yield replace(schedule, bench=bench)


def _wanted(subjects: "Mapping[Key, _Subject]", wants: WantsOf[Key]) -> dict[Key, Sequence[Taken]]:
    wanted: dict[Key, Sequence[Taken]] = {}
    for key, subject in subjects.items():
        curve = subject.readings.curve()
        more = "" if curve.overall_error else wants(key, curve)
        if more and (runs := subject.next(more)):
            wanted[key] = runs
    return wanted


def _take_times(
    readings: Mapping[Key, Readings], schedule: Schedule, announce: Callable[[int], object]
) -> None:
    wanted: dict[Key, Sequence[Taken]] = {
        key: [(size, "seconds", each.warm) for size in each.sizes] for key, each in readings.items()
    }
    announce(sum(map(len, wanted.values())))
    for key, new in take(readings, wanted, schedule).items():
        readings[key].witnesses = (*readings[key].witnesses, "seconds")
        for taken, reading in zip(wanted[key], new, strict=True):
            readings[key].add(taken, reading)


class _Subject:
    """The runs of one sweep: what was taken, and what is worth taking next."""

    def __init__(self, readings: Readings, extra_seconds: float) -> None:
        self.readings = readings
        self._repeats = 1
        self._seconds: dict[Taken, float] = {}
        self._allowed = extra_seconds
        self._useless: set[Wants] = set()
        self._wants: Wants = ""

    def begin(self, new: Sequence[Reading]) -> None:
        """Add the first round."""
        self._keep(self.readings.first(), new)
        self._allowed = max(self._allowed, sum(self._seconds.values()))

    def add(self, runs: Sequence[Taken], new: Sequence[Reading], *, good: bool) -> None:
        """Add a later round; one that failed is dropped, and nothing of its kind is tried again."""
        self._allowed -= sum(reading.wall_seconds for reading in new)
        if not good or any(reading.error for reading in new):
            self._useless.add(self._wants)
            return
        self._keep(runs, new)
        sizes = {size for size, _, _ in runs}
        if self._wants == "repeats":
            self._repeats = REPEATS
        elif self._wants == "larger sizes":
            self._enlarge(*sizes)
        elif self._wants == "resident set":
            self.readings.witnesses = (*self.readings.witnesses, "rss")
        elif sizes != set(self.readings.ends):
            self.readings.warm = False

    def _enlarge(self, size: int) -> None:
        """Add a size to the curve, unless the target has no more data: its answer stops growing."""
        before, grew = self.readings.sizes, not missing_answer(self.readings.curve())
        self.readings.sizes = (*before, size)
        if grew and missing_answer(self.readings.curve()):
            self.readings.sizes = before
            self._useless.add("larger sizes")

    def _keep(self, runs: Sequence[Taken], new: Sequence[Reading]) -> None:
        for taken, reading in zip(runs, new, strict=True):
            self.readings.add(taken, reading)
            self._seconds[taken] = reading.wall_seconds

    def next(self, wants: Wants) -> list[Taken]:
        """Return the next runs; none if they would take too long, or would tell nothing."""
        self._wants = wants
        fixed = wants != "resident set" and not self.readings.sweep.extends
        if fixed or wants in self._useless:
            return []
        runs = self._runs(wants)
        return runs if sum(map(self._expected, runs)) <= self._allowed else []

    def _runs(self, wants: Wants) -> list[Taken]:
        sizes, warm, witnesses = self.readings.sizes, self.readings.warm, self.readings.witnesses
        if wants == "larger sizes":
            larger = 2 * sizes[-1]
            most = _LARGEST * self.readings.sweep.sizes[-1]
            if larger > most or self.readings.sweep.axis == "clients" or not self._fits():
                return []
            return [(larger, w, warm) for w in witnesses] * self._repeats
        if wants == "repeats":
            return [(size, w, warm) for size in sizes for w in witnesses] * (REPEATS - 1)
        if wants == "resident set":
            return [] if "rss" in witnesses else [(size, "rss", warm) for size in sizes]
        if not warm:
            return []
        ends = self.readings.ends
        both = self.readings.has_first_calls
        taken = [size for size in sizes if size not in ends] if both else ends
        return [(size, witness, False) for size in taken for witness in witnesses]

    def _expected(self, taken: Taken) -> float:
        """Return the seconds that a run will take, from the run that is most like it."""
        size, witness, _ = taken
        known = [(s, w) for s, w, _ in self._seconds]
        like = min(known, key=lambda pair: (abs(pair[0] - size), pair[1] != witness))
        seconds = max(t for (s, w, _), t in self._seconds.items() if (s, w) == like)
        return seconds * max(1.0, size / like[0])

    def _fits(self) -> bool:
        """Return whether twice the memory of the largest size is less than half of what is free."""
        peak = max(self.readings.curve().seen()[1], default=0)
        return 2 * peak < free_memory() / 2
