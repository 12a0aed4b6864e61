"""The calls that a lesson gives its notebook; they show a student's mistakes as cards."""

from collections.abc import Iterator
from typing import Any

from lab.course.lesson import Lesson
from lab.course.progress import Progress


class LessonCalls:
    """Iterates over ``predict, measure, trap, exercise, quiz, live``, in this order.

    Args:
        lesson: The notebook's lesson.
    """

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson

    def __iter__(self) -> Iterator[Any]:
        from lab.course.cells.exercise import ExerciseCalls
        from lab.course.cells.live import Live
        from lab.course.cells.measure import Measure
        from lab.course.cells.predict import Predict
        from lab.course.cells.quiz import Quiz
        from lab.course.cells.trap import ShowTrap

        progress = Progress(self._lesson.number)
        yield Predict(self._lesson, progress)
        yield Measure(self._lesson, progress)
        yield ShowTrap(self._lesson)
        yield ExerciseCalls(self._lesson, progress)
        yield Quiz(self._lesson, progress)
        yield Live(self._lesson.live) if self._lesson.live else None
