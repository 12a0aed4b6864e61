"""Solutions pass, and what is wrong is rejected for the right reason: on every exercise."""

import pytest

from lab.course.grading import grade
from lab.course.lesson import Lesson
from lab.course.lessons import LESSONS
from tests.zoo import Animal, animals

FIRST = LESSONS[0].number
"""Whose whole zoo is in `make test`; those of the others are in `make test-slow`."""

ZOO = [
    pytest.param(
        lesson,
        animal,
        id=f"{lesson.number}-{animal.name}",
        marks=() if lesson.number == FIRST else pytest.mark.slow,
    )
    for lesson in LESSONS
    for animal in animals(lesson)
]

EVERY = [pytest.param(lesson, id=lesson.number) for lesson in LESSONS]


@pytest.mark.parametrize("lesson", EVERY)
def test_a_solution_passes(lesson: Lesson) -> None:
    found = grade(lesson, lesson.solution)
    assert found.passed, found


@pytest.mark.parametrize(("lesson", "animal"), ZOO)
def test_what_is_wrong_is_rejected_for_the_right_reason(lesson: Lesson, animal: Animal) -> None:
    found = grade(lesson, animal.source)
    assert found.outcome in animal.outcomes, found
    assert animal.says in found.sentence, found
