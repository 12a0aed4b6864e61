"""The course: the calls of its notebooks, which predict, measure, grade and ask questions.

>>> from lab.course import notebook
>>> predict, measure, trap, exercise, quiz, live = notebook("03")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.course.cells.calls import LessonCalls


def notebook(number: str) -> "LessonCalls":
    """Return the calls of a notebook, in the order above.

    Args:
        number: ``00`` to ``09``.

    Raises:
        LabError: No notebook has this number.
    """
    from lab.course.cells.calls import LessonCalls
    from lab.course.lessons import lesson

    return LessonCalls(lesson(number))
