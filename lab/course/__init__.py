"""The course: what its notebooks call to predict, measure, check and ask.

>>> from lab.course import notebook
>>> predict, measure, trap, exercise, quiz, live = notebook("03")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.course.desk import Desk


def notebook(number: str) -> "Desk":
    """Return the calls of a notebook, in the order above.

    Args:
        number: ``00`` to ``09``.

    Raises:
        LabError: There is no such notebook.
    """
    from lab.course.desk import Desk
    from lab.course.lessons import lesson

    return Desk(lesson(number))
