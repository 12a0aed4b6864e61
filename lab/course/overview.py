"""How far a student has got, notebook by notebook."""

from collections.abc import Iterable, Iterator
from typing import Any

from lab.course.lesson import Lesson
from lab.course.progress import read_all

COLUMNS = ("notebook", "predicted", "measured", "exercise", "hints", "quiz")


def overview(lessons: Iterable[Lesson]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each lesson, with dashes for what has not been done."""
    everything = read_all()
    for lesson in lessons:
        mine = everything.get(lesson.number, {})
        yield (
            f"{lesson.number} {lesson.title}",
            "yes" if "predicted" in mine else "-",
            "yes" if "measured" in mine else "-",
            _exercise(mine.get("exercise")),
            str(mine.get("hints", "-")),
            _quiz(mine.get("quiz")),
        )


def _exercise(kept: Any) -> str:
    if not kept:
        return "-"
    tries = kept["tries"]
    return f"{kept['outcome']}, {tries} {'try' if tries == 1 else 'tries'}"


def _quiz(kept: Any) -> str:
    return f"{len(kept['right'])} of {len(kept['of'])}" if kept else "-"
