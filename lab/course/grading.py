"""A check: a student's cell held against the solution, at sizes and on data that nobody chose.

Three signals decide: the digest of the answer, bytes per item, and whether it lives under a cap.
The solution runs beside it, on the same data, so that nothing has to be known beforehand.
"""

import random
import secrets
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lab.course.answers import first_difference
from lab.course.child import CELL, attempted
from lab.course.grade import Grade, Peaks
from lab.course.judging import growth_elsewhere, growth_of
from lab.course.lesson import Exercise, Lesson
from lab.course.outside import Held, Watch
from lab.errors import LabError
from lab.measure.cap import Survival, require_caps
from lab.measure.curve import Reading
from lab.measure.process import Processes
from lab.measure.workload import Start, Workload
from lab.units import show_bytes, show_count, show_seconds

PACE = 15
"""An answer may take so many times as long as the solution."""

_PATIENCE = 3.0
"""Seconds that are granted at least, for a machine that is busy."""
_LONGEST = 15.0
"""Seconds for one run of an answer, whatever it is."""
_DOUBLINGS = 5
_ELSEWHERE = 1 << 30
"""Bytes that a traced run may hold; it is for the curve, and under no cap of the kernel's."""


def grade(lesson: Lesson, source: str) -> Grade:
    """Grade the text of a cell.

    Raises:
        LabError: It cannot be graded here: no database, no caps on this platform.
    """
    require_caps()
    exercise = lesson.exercise
    try:
        if not attempted(source, exercise.function):
            return Grade(
                "not attempted",
                f"define `{exercise.function}` in the exercise's cell, run the cell, and check "
                "again.",
            )
    except SyntaxError as error:
        shown = f"{error.lineno or 1:>4}  {(error.text or '').rstrip()}"
        said = f"line {error.lineno} of your cell is no Python: {error.msg}"
        return Grade("error in your code", said, shown)
    with exercise.prepare(), Processes() as processes, ThreadPoolExecutor(2) as pool:
        return _Check(lesson, source, processes, pool).grade()


@dataclass
class _Check:
    """One check; the threads last as long as the processes that they started."""

    lesson: Lesson
    source: str
    processes: Processes
    pool: ThreadPoolExecutor

    def __post_init__(self) -> None:
        self.exercise: Exercise = self.lesson.exercise
        self.salt = secrets.randbelow(10**9)
        self.chance = random.Random(self.salt)  # noqa: S311 - sizes, not secrets
        self.right = self.lesson.solution

    def grade(self) -> Grade:
        """Look at a small answer, then at the pace, then at growth and survival."""
        return self._looked() or self._paced() or self._measured()

    def _looked(self) -> Grade | None:
        """Compare a small answer item by item; most mistakes show here, within a second."""
        size = self._some(self.exercise.look)
        right = self.pool.submit(self._live, self.right, size, _LONGEST, True)
        answer = self.pool.submit(self._answer, size, _PATIENCE * 2, True)
        wanted = _finished(right.result())
        found = answer.result()
        if isinstance(found, Grade):
            return found
        if found.outcome != "finished":
            return self._ended(found, size)
        if found.digest == wanted.digest:
            return None
        said = first_difference(found.digest, wanted.digest)
        return Grade("wrong answer", f"of {show_count(size)} {self.exercise.item}s, {said}.")

    def _paced(self) -> Grade | None:
        """Hold the time against the solution's, one after the other."""
        size = self._some(self.exercise.pace)
        right = _finished(self.pool.submit(self._live, self.right, size, _LONGEST).result())
        allowed = max(_PATIENCE, PACE * right.seconds)
        found = self.pool.submit(self._answer, size, allowed).result()
        if isinstance(found, Grade):
            return found
        if found.outcome == "timed out" or found.seconds > allowed:
            return Grade(
                "too slow",
                f"{show_count(size)} {self.exercise.item}s were not through after "
                f"{show_seconds(allowed)}, and the solution takes {show_seconds(right.seconds)}.",
            )
        if found.outcome != "finished":
            return self._ended(found, size)
        return self._same(found, right, size)

    def _measured(self) -> Grade:
        """Run it at the full size under the cap, and take both curves."""
        exercise = self.exercise
        size = self._some(exercise.survival)
        first = self._some(exercise.growth)
        sizes = [first << doubling for doubling in range(_DOUBLINGS)]
        live = self.pool.submit(self._watched, size)
        right = self.pool.submit(self._live, self.right, size, _LONGEST)
        theirs = [self.pool.submit(self._read_watched, one) for one in reversed(sizes)][::-1]
        solution = [self.pool.submit(self._read, self.right, one) for one in sizes]
        survived, held = live.result()
        if isinstance(survived, Grade):
            return survived
        wanted = _finished(right.result())
        readings = [future.result() for future in theirs]
        yours = _peaks(sizes, (reading for reading, _ in readings))
        references = [future.result() for future in solution]
        around = [*zip(sizes, (seen for _, seen in readings), strict=True), (size, held)]
        return self._judged(size, survived, wanted, yours, _peaks(sizes, references), around)

    def _judged(
        self,
        size: int,
        survived: Survival,
        wanted: Survival,
        yours: Peaks,
        reference: Peaks,
        around: list[tuple[int, Held]],
    ) -> Grade:
        exercise = self.exercise
        grown = growth_of(yours, exercise.item, exercise.most)
        elsewhere = growth_elsewhere(around, exercise.item)
        curves = {"yours": yours, "reference": reference}
        done = self._survival(size, survived)
        if elsewhere:
            return Grade("grows", f"{elsewhere}.", **curves, survival=done)
        held = around[-1][1]
        if survived.outcome == "out of memory" or held.ended:
            where = f" in {held.ended}" if held.ended and "own" not in held.ended else ""
            said = (
                f"under a cap of {show_bytes(exercise.cap)} it was over{where} after {done}; it "
                f"{grown.sentence}."
            )
            return Grade("out of memory", said, **curves, survival=done)
        if survived.outcome == "timed out":
            said = f"{done} were through after {show_seconds(_LONGEST)}."
            return Grade("too slow", said, **curves, survival=done)
        if survived.outcome != "finished":
            return self._ended(survived, size)
        if grown.grows:
            return Grade("grows", f"it {grown.sentence}.", **curves, survival=done)
        wrong = self._same(survived, wanted, size)
        if wrong:
            return wrong
        said = (
            f"the same answer as the solution's, {done} under a cap of "
            f"{show_bytes(exercise.cap)}, and it {grown.sentence}."
        )
        return Grade("passed", said, **curves, survival=done)

    def _survival(self, size: int, found: Survival) -> str:
        through = size if found.outcome == "finished" else min(found.items, size)
        return f"{show_count(through)} of {show_count(size)} {self.exercise.item}s"

    def _same(self, found: Survival, right: Survival, size: int) -> Grade | None:
        if found.digest == right.digest:
            return None
        counted = ""
        if found.items != right.items:
            counted = f" ({show_count(found.items)} items, and not {show_count(right.items)})"
        return Grade(
            "wrong answer",
            f"a small answer was right, and one for {show_count(size)} {self.exercise.item}s is "
            f"not{counted}.",
        )

    def _ended(self, found: Survival, size: int) -> Grade:
        if found.outcome == "out of memory":
            return Grade(
                "out of memory",
                f"{show_count(size)} {self.exercise.item}s were too many for a cap of "
                f"{show_bytes(self.exercise.cap)}.",
            )
        if found.outcome == "timed out":
            said = f"{show_count(size)} {self.exercise.item}s were not through after "
            return Grade("too slow", f"{said}{show_seconds(found.seconds)}: does a loop never end?")
        return Grade("error in your code", f"it ended the process that ran it: {found.reason}")

    def _answer(self, size: int, timeout: float, show: bool = False) -> Survival | Grade:
        watch = self._watch(self.exercise.cap * 2)
        try:
            return self._live(self.source, size, timeout, show, watch)
        except LabError as error:
            return Grade("error in your code", _sentence(str(error)), error.details)

    def _watched(self, size: int) -> tuple[Survival | Grade, Held]:
        watch = self._watch(self.exercise.cap * 2)
        found: Survival | Grade
        try:
            found = self._live(self.source, size, _LONGEST, False, watch)
        except LabError as error:
            found = Grade("error in your code", _sentence(str(error)), error.details)
        return found, watch.held()

    def _watch(self, most: int) -> Watch:
        return Watch(most, self.exercise.database)

    def _live(
        self,
        source: str,
        size: int,
        timeout: float,
        show: bool = False,
        watch: Watch | None = None,
    ) -> Survival:
        workload = self._workload(source, size, show)
        return self.processes.survive(workload, self.exercise.cap, timeout, watch)

    def _read_watched(self, size: int) -> tuple[Reading, Held]:
        watch = self._watch(_ELSEWHERE)
        return self._read(self.source, size, watch), watch.held()

    def _read(self, source: str, size: int, watch: Watch | None = None) -> Reading:
        try:
            return self.processes.read(self._workload(source, size), "heap", _LONGEST, watch)
        except LabError as error:
            return Reading(error=str(error))

    def _workload(self, source: str, size: int, show: bool = False) -> Workload:
        def arguments(of: int) -> dict[str, Any]:
            given = {"number": self.lesson.number, "source": source, "salt": self.salt}
            return {**given, "size": of, "show": show}

        return Workload(
            name="your answer",
            opener="lab.course.child:open_answer",
            arguments=arguments(size),
            warm_up=arguments(max(1, min(size // 2, 1_000))),
            start=Start(("lab.course.child",)),
        )

    def _some(self, size: int) -> int:
        """Return a size near to one that is known, and not to be guessed."""
        return size + self.chance.randrange(size // 10 + 1)


def _peaks(sizes: Iterable[int], readings: Iterable[Reading]) -> Peaks:
    return tuple(
        (size, round(reading.value))
        for size, reading in zip(sizes, readings, strict=True)
        if reading.error is None
    )


def _finished(found: Survival) -> Survival:
    """Check that the solution came through.

    Raises:
        LabError: It did not, so the machine is at fault and not the student.
    """
    if not found:
        raise LabError(
            f"the solution itself {found.outcome} here ({found.reason}): close what else needs "
            "this machine, and check again."
        )
    return found


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


__all__ = ["CELL", "PACE", "Future", "grade"]
