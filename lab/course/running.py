"""Runs of an answer, and of the solution beside it: in fresh processes, on the same unseen data."""

from dataclasses import dataclass, replace
from typing import Any

from lab.course.grade import Grade, Result
from lab.course.lesson import Lesson
from lab.course.outside import OWN, Held, Watch, over_in
from lab.errors import LabError
from lab.measure.cap import Survival, text_says_shortage
from lab.measure.curve import Reading
from lab.measure.process import Processes
from lab.measure.workload import Start, Workload

LONGEST = 15.0
"""Seconds for one traced run, or for a small one of the solution."""
FULL = 30.0
"""Seconds for a run at the full size."""

_TRACED = 1 << 30
"""Bytes that a traced run may hold; it is for the curve, and under no cap of the kernel's."""
_WARM = 1_000


@dataclass(frozen=True)
class Runs:
    """Where an answer and the solution of a lesson are run.

    Attributes:
        lesson: The lesson.
        source: The student's cell.
        salt: What this check's data is made from.
        processes: The fresh processes.
    """

    lesson: Lesson
    source: str
    salt: int
    processes: Processes

    def solution(self, size: int, timeout: float = LONGEST, show: bool = False) -> Survival:
        """Run the solution under the cap.

        Raises:
            LabError: It did not come through, so the machine is at fault and not the student.
        """
        workload = self._workload(self.lesson.solution, size, show)
        found = self.processes.survive(workload, self.lesson.exercise.cap, timeout)
        if not found:
            raise LabError(
                f"the solution itself came to grief here ({found.outcome}: {found.reason}): close "
                "what else needs this machine, and check again."
            )
        return found

    def answer(self, size: int, timeout: float, show: bool = False) -> Survival | Grade:
        """Run the answer under the cap; an error of its own is a grade already."""
        return self.watched(size, timeout, show)[0]

    def watched(
        self, size: int, timeout: float = FULL, show: bool = False
    ) -> tuple[Survival | Grade, Held]:
        """Run the answer under the cap, and say what it held elsewhere."""
        cap = self.lesson.exercise.cap
        watch = Watch(2 * cap, self.lesson.exercise.database)
        workload = self._workload(self.source, size, show)
        found: Survival | Grade
        try:
            found = self.processes.survive(workload, cap, timeout, watch)
        except LabError as error:
            sentence = str(error) if str(error).endswith(".") else f"{error}."
            short = text_says_shortage(sentence)
            outcome: Result = "out of memory" if short else "error in your code"
            found = Grade(outcome, sentence, error.details)
        held = watch.held()
        if held.ended == OWN and isinstance(found, Survival):
            found = replace(found, outcome="out of memory")
        elif held.ended:
            found = Grade("grows", f"{over_in(held.ended)}.")
        return found, held

    def curve_point(self, size: int) -> tuple[Reading, Held]:
        """Trace the answer at a size, and say what it held elsewhere."""
        watch = Watch(_TRACED, self.lesson.exercise.database)
        return self._read(self.source, size, watch), watch.held()

    def reference_point(self, size: int) -> Reading:
        """Trace the solution at a size."""
        return self._read(self.lesson.solution, size)

    def _read(self, source: str, size: int, watch: Watch | None = None) -> Reading:
        try:
            return self.processes.read(self._workload(source, size), "heap", LONGEST, watch)
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
            warm_up=arguments(max(1, min(size // 2, _WARM))),
            start=Start(("lab.course.child", *self.lesson.exercise.preload)),
        )
