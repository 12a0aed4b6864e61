"""A check: a student's cell held against the solution, at sizes and on data that nobody chose.

Three signals decide: the digest of the answer, bytes per item, and whether it lives under a cap.
The solution runs beside it, on the same data, so that nothing has to be known beforehand.
"""

import random
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lab.course.answers import first_difference
from lab.course.child import attempted
from lab.course.grade import Grade, Peaks
from lab.course.judging import growth_elsewhere, growth_of
from lab.course.lesson import Lesson
from lab.course.outside import Held
from lab.course.running import FULL, Runs
from lab.measure.cap import Survival, require_caps
from lab.measure.curve import Reading
from lab.measure.process import Processes
from lab.units import show_bytes, show_count, show_seconds

PACE = 15
"""An answer may take so many times as long as the solution."""

PATIENCE = 3.0
"""Seconds that are granted at least, for a machine that is busy."""

_LOOK = 8.0
"""Seconds for a small answer, the start of its process included."""

_POINTS = 5


def grade(lesson: Lesson, source: str) -> Grade:
    """Grade the text of a cell.

    Raises:
        LabError: It cannot be graded here: no database, no caps on this platform.
    """
    require_caps()
    function = lesson.exercise.function
    try:
        if not attempted(source, function):
            said = f"define `{function}` in the exercise's cell, run the cell, and check again."
            return Grade("not attempted", said)
    except SyntaxError as error:
        shown = f"{error.lineno or 1:>4}  {(error.text or '').rstrip()}"
        said = f"line {error.lineno} of your cell is no Python: {error.msg}."
        return Grade("error in your code", said, shown)
    # The threads last as long as the processes that they started.
    with lesson.exercise.prepare(), Processes() as processes, ThreadPoolExecutor(2) as pool:
        runs = Runs(lesson, source, secrets.randbelow(10**9), processes)
        return _Check(runs, pool).grade()


class _Check:
    """One check, in stages; the first that finds fault decides."""

    def __init__(self, runs: Runs, pool: ThreadPoolExecutor) -> None:
        self._runs = runs
        self._pool = pool
        self._exercise = runs.lesson.exercise
        self._chance = random.Random(runs.salt)  # noqa: S311 - sizes, not secrets

    def grade(self) -> Grade:
        """Look at a small answer, then at the pace, then at growth and survival."""
        return self._looked() or self._paced() or self._measured()

    def _looked(self) -> Grade | None:
        """Compare a small answer item by item; most mistakes show here, within a second."""
        size = self._some(self._exercise.look)
        right = self._pool.submit(self._runs.solution, size, show=True)
        answer = self._pool.submit(self._runs.answer, size, _LOOK, show=True)
        wanted, found = right.result(), answer.result()
        if found.outcome == "timed out" and wanted.seconds > _LOOK / 2:
            # Something else held both of them up: a table that is being made larger, for one.
            found = self._pool.submit(self._runs.answer, size, _LOOK, show=True).result()
        if isinstance(found, Grade):
            return found
        if not found:
            return self._ended(found, size)
        if found.digest == wanted.digest:
            return None
        said = first_difference(found.digest, wanted.digest)
        return Grade("wrong answer", f"of {self._items(size)}, {said}.")

    def _paced(self) -> Grade | None:
        """Hold the time against the solution's, one after the other."""
        size = self._some(self._exercise.pace)
        right = self._pool.submit(self._runs.solution, size).result()
        allowed = max(PATIENCE, PACE * right.seconds)
        found = self._pool.submit(self._runs.answer, size, allowed).result()
        if isinstance(found, Grade):
            return found
        if found.outcome == "timed out":
            return Grade(
                "too slow",
                f"{self._items(size)} were not through after {show_seconds(allowed)}, and the "
                f"solution takes {show_seconds(right.seconds)}.",
            )
        return self._same(found, right, size) if found else self._ended(found, size)

    def _measured(self) -> Grade:
        """Run it at the full size under the cap, and take both curves."""
        runs, submit = self._runs, self._pool.submit
        size, first = self._some(self._exercise.survival), self._some(self._exercise.growth)
        sizes = [first << doubling for doubling in range(_POINTS)]
        full = submit(runs.watched, size)
        right = submit(runs.solution, size, FULL)
        # The long ones first, so that the two threads end together.
        points = {one: submit(runs.curve_point, one) for one in reversed(sizes)}
        references = {one: submit(runs.reference_point, one) for one in reversed(sizes)}
        survived, held = full.result()
        wanted = right.result()
        seen = [points[one].result() for one in sizes]
        yours = _peaks(sizes, (reading for reading, _ in seen))
        reference = _peaks(sizes, (references[one].result() for one in sizes))
        around = [*zip(sizes, (elsewhere for _, elsewhere in seen), strict=True), (size, held)]
        found = self._judged(survived, wanted, size, yours, around)
        return replace(found, yours=yours, reference=reference)

    def _judged(
        self,
        survived: Survival | Grade,
        wanted: Survival,
        size: int,
        yours: Peaks,
        around: Sequence[tuple[int, Held]],
    ) -> Grade:
        exercise = self._exercise
        elsewhere = growth_elsewhere(around, exercise.item)
        if elsewhere and not _out_of_memory(survived):
            return Grade("grows", f"{elsewhere}.")
        if isinstance(survived, Grade):
            return survived
        grown = growth_of(yours, exercise.item, exercise.most, exercise.noise)
        through = size if survived else min(survived.items, size)
        done = f"{show_count(through)} of {self._items(size)}"
        if _out_of_memory(survived):
            return Grade(
                "out of memory",
                f"a cap of {show_bytes(exercise.cap)} was passed after {done}; it "
                f"{grown.sentence}.",
            )
        if survived.outcome == "timed out":
            return Grade("too slow", f"{done} were through after {show_seconds(FULL)}.")
        if grown.grows:
            return Grade("grows", f"it {grown.sentence}.")
        wrong = self._same(survived, wanted, size) if survived else self._ended(survived, size)
        return wrong or Grade(
            "passed",
            f"the same answer as the solution's, {done} under a cap of "
            f"{show_bytes(exercise.cap)}, and it {grown.sentence}.",
        )

    def _same(self, found: Survival, right: Survival, size: int) -> Grade | None:
        if found.digest == right.digest:
            return None
        counts = ""
        if found.items != right.items:
            counts = f" ({show_count(found.items)} items, and not {show_count(right.items)})"
        said = f"a small answer was right, and that for {self._items(size)} is not{counts}."
        return Grade("wrong answer", said)

    def _ended(self, found: Survival, size: int) -> Grade:
        """Say what a run died of that did not come through at a modest size."""
        items, cap = self._items(size), show_bytes(self._exercise.cap)
        if found.outcome == "out of memory":
            return Grade("out of memory", f"{items} were too many for a cap of {cap}.")
        if found.outcome == "timed out":
            took = show_seconds(found.seconds)
            said = f"{items} were not through after {took}: is there a loop that never ends?"
            return Grade("too slow", said)
        return Grade("error in your code", f"it ended the process that ran it: {found.reason}")

    def _items(self, size: int) -> str:
        return f"{show_count(size)} {self._exercise.item}s"

    def _some(self, size: int) -> int:
        """Return a size near to one that is known, and not to be guessed."""
        near = size + self._chance.randrange(size // 10 + 1)
        return near - near % self._exercise.step if near > self._exercise.step else near


def _out_of_memory(survived: Survival | Grade) -> bool:
    return survived.outcome == "out of memory"


def _peaks(sizes: Iterable[int], readings: Iterable[Reading]) -> Peaks:
    return tuple(
        (size, round(reading.value))
        for size, reading in zip(sizes, readings, strict=True)
        if reading.error is None
    )
