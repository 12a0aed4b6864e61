"""Grades for a student's cell, which is compared with the solution at random sizes.

Three signals decide: the digest of the answer, bytes per item, and survival under a cap. The
solution runs on the same new data, so no expected result has to be stored.
"""

import random
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lab.course.grading.child import attempted
from lab.course.grading.drain_answers import first_difference
from lab.course.grading.heap_growth import external_growth, growth_of
from lab.course.grading.result import Grade, Peaks
from lab.course.grading.runs import FULL_TIMEOUT, Runs
from lab.course.grading.watch import ExternalMemory
from lab.course.lesson import Lesson
from lab.curves.curve import Reading
from lab.measure.memory_cap import Survival, require_caps
from lab.measure.process_pool import Processes
from lab.units import show_bytes, show_count, show_seconds

PACE = 15
"""Multiple of the solution's time that an answer may take."""

MIN_TIMEOUT = 3.0
"""Seconds that every answer may take, because the machine may be busy."""

SMALL_ANSWER_TIMEOUT = 8.0
"""Seconds, including process start-up."""

_POINTS = 5


def grade(lesson: Lesson, source: str) -> Grade:
    """Return the grade of a cell.

    Raises:
        LabError: This machine cannot grade: no database, or no caps on this platform.
    """
    require_caps()
    function = lesson.exercise.function
    try:
        if not attempted(source, function):
            sentence = f"define `{function}` in the exercise cell, run the cell and grade it again."
            return Grade("not attempted", sentence)
    except SyntaxError as error:
        line = f"{error.lineno or 1:>4}  {(error.text or '').rstrip()}"
        sentence = f"syntax error on line {error.lineno} of your cell: {error.msg}."
        return Grade("error in your code", sentence, line)
    # A child process is killed when the thread that started it ends, so all runs share one pool.
    with lesson.exercise.prepare(), Processes() as processes, ThreadPoolExecutor(2) as pool:
        runs = Runs(lesson, source, secrets.randbelow(10**9), processes)
        return _Grading(runs, pool).grade()


class _Grading:
    """The stages of one grading; the first stage that finds a fault decides."""

    def __init__(self, runs: Runs, pool: ThreadPoolExecutor) -> None:
        self._runs = runs
        self._pool = pool
        self._exercise = runs.lesson.exercise
        self._random = random.Random(runs.salt)  # noqa: S311 - sizes, not secrets

    def grade(self) -> Grade:
        """Return the grade: first a small answer, then the time, then growth and survival."""
        return self._fault_in_small() or self._fault_in_time() or self._grade_memory()

    def _fault_in_small(self) -> Grade | None:
        """Compare a small answer item by item; this finds most mistakes within a second."""
        size = self._near(self._exercise.look)
        timeout = SMALL_ANSWER_TIMEOUT
        solution = self._pool.submit(self._runs.solution, size, show=True)
        answer = self._pool.submit(self._runs.answer, size, timeout, show=True)
        expected, actual = solution.result(), answer.result()
        if actual.outcome == "timed out" and expected.seconds > timeout / 2:
            # Something else delayed both, for example a table that is being extended.
            actual = self._pool.submit(self._runs.answer, size, timeout, show=True).result()
        if isinstance(actual, Grade):
            return actual
        if not actual:
            return self._unfinished(actual, size)
        if actual.digest == expected.digest:
            return None
        difference = first_difference(actual.digest, expected.digest)
        return Grade("wrong answer", f"with {self._items(size)}, {difference}.")

    def _fault_in_time(self) -> Grade | None:
        """Compare the time with the solution's; the two do not run at the same time."""
        size = self._near(self._exercise.pace)
        expected = self._pool.submit(self._runs.solution, size).result()
        allowed = max(MIN_TIMEOUT, PACE * expected.seconds)
        actual = self._pool.submit(self._runs.answer, size, allowed).result()
        if isinstance(actual, Grade):
            return actual
        if actual.outcome == "timed out":
            return Grade(
                "too slow",
                f"it did not finish {self._items(size)} in {show_seconds(allowed)}; the solution "
                f"takes {show_seconds(expected.seconds)}.",
            )
        return self._wrong(actual, expected, size) if actual else self._unfinished(actual, size)

    def _grade_memory(self) -> Grade:
        """Run the full size under the cap, and trace the curves of answer and solution."""
        runs, submit = self._runs, self._pool.submit
        size, first = self._near(self._exercise.survival), self._near(self._exercise.growth)
        sizes = [first << doubling for doubling in range(_POINTS)]
        full = submit(runs.watched, size)
        solution = submit(runs.solution, size, FULL_TIMEOUT)
        # Large sizes first, so that both threads finish at about the same time.
        points = {n: submit(runs.curve_point, n) for n in reversed(sizes)}
        references = {n: submit(runs.reference_point, n) for n in reversed(sizes)}
        survived, external = full.result()
        expected = solution.result()
        traced = [points[n].result() for n in sizes]
        yours = _peaks(sizes, (reading for reading, _ in traced))
        reference = _peaks(sizes, (references[n].result() for n in sizes))
        outside = [(n, memory) for n, (_, memory) in zip(sizes, traced, strict=True)]
        result = self._combine(survived, expected, size, yours, [*outside, (size, external)])
        return replace(result, yours=yours, reference=reference)

    def _combine(
        self,
        survived: Survival | Grade,
        expected: Survival,
        size: int,
        yours: Peaks,
        outside: Sequence[tuple[int, ExternalMemory]],
    ) -> Grade:
        exercise = self._exercise
        external = external_growth(outside, exercise.item)
        if external and not _out_of_memory(survived):
            return Grade("grows", f"{external}.")
        if isinstance(survived, Grade):
            return survived
        own = growth_of(yours, exercise.item, exercise.most, exercise.noise)
        finished = size if survived else min(survived.items, size)
        progress = f"{show_count(finished)} of {self._items(size)}"
        cap = show_bytes(exercise.cap)
        if _out_of_memory(survived):
            sentence = f"it exceeded the cap of {cap} after {progress}; it {own.sentence}."
            return Grade("out of memory", sentence)
        if survived.outcome == "timed out":
            sentence = f"it finished {progress} in {show_seconds(FULL_TIMEOUT)}."
            return Grade("too slow", sentence)
        if own.grows:
            return Grade("grows", f"it {own.sentence}.")
        fault = (
            self._wrong(survived, expected, size) if survived else self._unfinished(survived, size)
        )
        return fault or Grade(
            "passed",
            f"the same answer as the solution, {progress} under a cap of {cap}, and it "
            f"{own.sentence}.",
        )

    def _wrong(self, actual: Survival, expected: Survival, size: int) -> Grade | None:
        if actual.digest == expected.digest:
            return None
        counts = ""
        if actual.items != expected.items:
            counts = f" ({show_count(actual.items)} items instead of {show_count(expected.items)})"
        sentence = f"it is right at a small size, but wrong with {self._items(size)}{counts}."
        return Grade("wrong answer", sentence)

    def _unfinished(self, actual: Survival, size: int) -> Grade:
        """Return the grade of a run that did not finish."""
        items, cap = self._items(size), show_bytes(self._exercise.cap)
        if actual.outcome == "out of memory":
            return Grade("out of memory", f"it exceeded the cap of {cap} with {items}.")
        if actual.outcome == "timed out":
            took = show_seconds(actual.seconds)
            sentence = f"it did not finish {items} in {took}: look for a loop that never ends."
            return Grade("too slow", sentence)
        return Grade("error in your code", actual.reason)

    def _items(self, size: int) -> str:
        return f"{show_count(size)} {self._exercise.item}s"

    def _near(self, size: int) -> int:
        """Return a random size up to 10 % above a known one, so that answers cannot expect it."""
        near = size + self._random.randrange(size // 10 + 1)
        return near - near % self._exercise.step if near > self._exercise.step else near


def _out_of_memory(survived: Survival | Grade) -> bool:
    return survived.outcome == "out of memory"


def _peaks(sizes: Iterable[int], readings: Iterable[Reading]) -> Peaks:
    return tuple(
        (size, round(reading.value))
        for size, reading in zip(sizes, readings, strict=True)
        if reading.error is None
    )
