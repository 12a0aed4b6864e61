"""The lessons of the course, in their order."""

from lab.course.lesson import Lesson
from lab.course.lessons import streaming_a_csv
from lab.errors import LabError, nearest

LESSONS: tuple[Lesson, ...] = (streaming_a_csv.LESSON,)


def lesson(number: str) -> Lesson:
    """Return a lesson by its number.

    Raises:
        LabError: There is none of that number.
    """
    for found in LESSONS:
        if found.number == number:
            return found
    raise LabError(f"unknown lesson {number!r}: {nearest(number, [one.number for one in LESSONS])}")
