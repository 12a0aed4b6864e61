"""A student's progress as a table, with a row for each notebook."""

from collections.abc import Iterable, Iterator
from typing import Any

from lab.course.lesson import Lesson
from lab.course.progress import read_all

COLUMNS = ("notebook", "predicted", "measured", "exercise", "hints", "quiz")


def overview(lessons: Iterable[Lesson]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each lesson, with a dash for each step that is not done."""
    progress = read_all()
    for lesson in lessons:
        steps = progress.get(lesson.number, {})
        yield (
            f"{lesson.number} {lesson.title}",
            "yes" if "predicted" in steps else "-",
            "yes" if "measured" in steps else "-",
            _exercise(steps.get("exercise")),
            str(steps.get("hints", "-")),
            _quiz(steps.get("quiz")),
        )


def _exercise(step: Any) -> str:
    if not step:
        return "-"
    tries = step["tries"]
    return f"{step['outcome']}, {tries} {'try' if tries == 1 else 'tries'}"


def _quiz(step: Any) -> str:
    return f"{len(step['right'])} of {len(step['of'])}" if step else "-"
