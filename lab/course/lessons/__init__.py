"""The lessons of the course, in order."""

from lab.course.lesson import Lesson
from lab.course.lessons import (
    budgets_in_ci,
    counting_and_lazy_cursors,
    files_zip_and_pdf,
    reading_rows,
    streaming_a_csv,
    streams_among_real_clients,
    the_identity_map,
    the_lens,
    under_load,
    uploads,
)
from lab.errors import LabError, nearest

LESSONS: tuple[Lesson, ...] = (
    the_lens.LESSON,
    reading_rows.LESSON,
    the_identity_map.LESSON,
    streaming_a_csv.LESSON,
    files_zip_and_pdf.LESSON,
    uploads.LESSON,
    counting_and_lazy_cursors.LESSON,
    streams_among_real_clients.LESSON,
    under_load.LESSON,
    budgets_in_ci.LESSON,
)


def lesson(number: str) -> Lesson:
    """Return the lesson with a number, such as ``"03"``.

    Raises:
        LabError: No lesson has that number.
    """
    for candidate in LESSONS:
        if candidate.number == number:
            return candidate
    numbers = [candidate.number for candidate in LESSONS]
    raise LabError(f"unknown lesson {number!r}: {nearest(number, numbers)}")
