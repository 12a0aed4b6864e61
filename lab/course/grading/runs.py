"""Runs of an answer and of the solution, each in a fresh process, on the same data."""

from dataclasses import dataclass, replace
from typing import Any

from lab.course.grading.result import Grade, GradeOutcome
from lab.course.grading.watch import OWN, ExternalMemory, MemoryWatch, over_in
from lab.course.lesson import Lesson
from lab.curves.curve import Reading
from lab.errors import LabError
from lab.measure.memory_cap import Survival, says_out_of_memory
from lab.measure.process_pool import Processes
from lab.measure.workload import Start, Workload

SMALL_TIMEOUT = 15.0
"""Seconds for a traced run, or for a small run of the solution."""
FULL_TIMEOUT = 30.0
"""Seconds for a run at the full size."""

_TRACED_LIMIT = 1 << 30
"""Bytes for a traced run, which has no kernel cap because it only measures the curve."""
_WARM_UP = 1_000
"""Largest size of a warm-up."""


@dataclass(frozen=True)
class Runs:
    """Runs the answer and the solution of a lesson.

    Attributes:
        lesson: The lesson.
        source: The student's cell.
        salt: Seed of the data of this grading.
        processes: Starts the fresh processes.
    """

    lesson: Lesson
    source: str
    salt: int
    processes: Processes

    def solution(self, size: int, timeout: float = SMALL_TIMEOUT, show: bool = False) -> Survival:
        """Run the solution under the cap.

        Raises:
            LabError: It did not finish, so the cause is this machine and not the student.
        """
        workload = self._workload(self.lesson.solution, size, show)
        result = self.processes.survive(workload, self.lesson.exercise.cap, timeout)
        if not result:
            raise LabError(
                f"the reference solution failed on this machine ({result.outcome}: "
                f"{result.reason}): close other programs, then grade again."
            )
        return result

    def answer(self, size: int, timeout: float, show: bool = False) -> Survival | Grade:
        """Run the answer under the cap; return a grade if it raised an error."""
        return self.watched(size, timeout, show)[0]

    def watched(
        self, size: int, timeout: float = FULL_TIMEOUT, show: bool = False
    ) -> tuple[Survival | Grade, ExternalMemory]:
        """Run the answer under the cap; also return its memory outside of its process."""
        cap = self.lesson.exercise.cap
        watch = MemoryWatch(2 * cap, self.lesson.exercise.database)
        workload = self._workload(self.source, size, show)
        result: Survival | Grade
        try:
            result = self.processes.survive(workload, cap, timeout, watch)
        except LabError as error:
            sentence = str(error) if str(error).endswith(".") else f"{error}."
            short = says_out_of_memory(sentence)
            outcome: GradeOutcome = "out of memory" if short else "error in your code"
            result = Grade(outcome, sentence, error.details)
        external = watch.result()
        if external.exceeded == OWN and isinstance(result, Survival):
            result = replace(result, outcome="out of memory")
        elif external.exceeded:
            result = Grade("grows", f"{over_in(external.exceeded)}.")
        return result, external

    def curve_point(self, size: int) -> tuple[Reading, ExternalMemory]:
        """Trace the answer at a size; also return its memory outside of its process."""
        watch = MemoryWatch(_TRACED_LIMIT, self.lesson.exercise.database)
        return self._read(self.source, size, watch), watch.result()

    def reference_point(self, size: int) -> Reading:
        """Trace the solution at a size."""
        return self._read(self.lesson.solution, size)

    def _read(self, source: str, size: int, watch: MemoryWatch | None = None) -> Reading:
        try:
            workload = self._workload(source, size)
            return self.processes.read(workload, "heap", SMALL_TIMEOUT, watch)
        except LabError as error:
            return Reading(error=str(error))

    def _workload(self, source: str, size: int, show: bool = False) -> Workload:
        def arguments(size: int) -> dict[str, Any]:
            constant = {"number": self.lesson.number, "source": source, "salt": self.salt}
            return {**constant, "size": size, "show": show}

        return Workload(
            name="your answer",
            opener="lab.course.grading.child:open_answer",
            arguments=arguments(size),
            warm_up=arguments(max(1, min(size // 2, _WARM_UP))),
            start=Start(("lab.course.grading.child", *self.lesson.exercise.preload)),
        )
