"""A lesson's desk: the calls that its notebook makes; none raises for a student's mistake."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from lab.course.card import Card
from lab.course.lesson import Lesson
from lab.course.progress import Progress
from lab.errors import LabError


class Desk:
    """The six calls of a notebook, in the order ``predict, measure, trap, exercise, quiz, live``.

    Args:
        lesson: Which notebook they are for.
    """

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson

    def __iter__(self) -> Iterator[Any]:
        from lab.course.checking import ExerciseDesk
        from lab.course.live import Live
        from lab.course.measuring import Measure
        from lab.course.predicting import Predict
        from lab.course.quizzing import Quiz
        from lab.course.springing import Springing

        progress = Progress(self._lesson.number)
        yield Predict(self._lesson, progress)
        yield Measure(self._lesson, progress)
        yield Springing(self._lesson, progress)
        yield ExerciseDesk(self._lesson, progress)
        yield Quiz(self._lesson, progress)
        yield Live(self._lesson.live) if self._lesson.live else None


def told(call: Callable[..., Card | None]) -> Callable[..., Card | None]:
    """Have a call say in a card what went wrong: a traceback of ours would help no student."""

    @wraps(call)
    def calmly(*arguments: Any, **named: Any) -> Card | None:
        try:
            return call(*arguments, **named)
        except LabError as error:
            return Card(str(error), "bad", error.details)

    return calmly
