"""Solutions pass, and what is wrong is rejected for the right reason: on every exercise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.course.grading import grade
from lab.course.lesson import Lesson
from lab.course.lessons import LESSONS
from lab.course.submissions import read
from lab.data.seed import posts_ready
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

KINDS = {
    "naive",
    "collects_behind_a_generator",
    "remembers_a_table",
    "truncates",
    "right_count_wrong_rows",
    "behaves_while_traced",
    "reads_the_solution",
    "imports_an_answer",
    "chunk_is_everything",
    "hides_in_a_thread",
    "hides_in_a_child_process",
    "hides_on_disk",
    "takes_fifty_times_as_long",
    "raises_half_way",
    "ends_the_process",
    "never_ends",
    "goes_on_without_memory",
}
"""Those that every exercise has to withstand."""

AND_WITH_A_DATABASE = {"hides_in_the_database", "deletes_the_data"}

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"

EVERY = [pytest.param(lesson, id=lesson.number) for lesson in LESSONS]


@pytest.fixture(scope="module", autouse=True)
def all_the_posts() -> Iterator[None]:
    """Have the largest table first: while it is added to, those who read it have to wait."""
    with posts_ready(560_000):
        yield


@pytest.mark.parametrize("lesson", EVERY)
def test_a_solution_passes(lesson: Lesson) -> None:
    found = grade(lesson, lesson.solution)
    assert found.passed, found


@pytest.mark.parametrize("lesson", EVERY)
def test_an_exercise_as_it_is_handed_out_does_not_pass(lesson: Lesson) -> None:
    number, cell = read(NOTEBOOKS / f"{lesson.number}-{lesson.name}.ipynb")
    assert number == lesson.number
    assert grade(lesson, cell).outcome in ("not attempted", "out of memory", "grows")


@pytest.mark.parametrize("lesson", EVERY)
def test_every_kind_of_wrong_answer_is_there(lesson: Lesson) -> None:
    wanted = KINDS | AND_WITH_A_DATABASE if lesson.exercise.database else KINDS
    assert wanted <= {animal.name for animal in animals(lesson)}


@pytest.mark.parametrize(("lesson", "animal"), ZOO)
def test_what_is_wrong_is_rejected_for_the_right_reason(lesson: Lesson, animal: Animal) -> None:
    found = grade(lesson, animal.source)
    assert found.outcome in animal.outcomes, found
    assert animal.says in found.sentence, found
