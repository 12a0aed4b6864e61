"""Solutions pass, and what is wrong is rejected for the right reason: on every exercise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.course.grading.grade import grade
from lab.course.lesson import Lesson
from lab.course.lessons import LESSONS
from lab.course.submissions import read
from lab.data.seed import posts_ready
from tests.course.wrong_answers import Animal, animals

FIRST = LESSONS[0].number
"""The lesson whose solution and wrong answers `make test` grades."""

AT_ONCE = {
    "naive",
    "right_count_wrong_rows",
    "behaves_while_traced",
    "hides_in_a_child_process",
}
"""Kinds of wrong answers that `make test` grades; `make everything` grades all, of all lessons."""

FOR_EACH = {"naive"}
"""Those that `make test-slow` grades for each lesson, and all for the first."""


def duration(lesson, animal):
    if lesson.number == FIRST:
        return () if animal.name in AT_ONCE else pytest.mark.slow
    return pytest.mark.slow if animal.name in FOR_EACH else pytest.mark.full


ZOO = [
    pytest.param(
        lesson, animal, id=f"{lesson.number}-{animal.name}", marks=duration(lesson, animal)
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

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def each_lesson(mark):
    """List the lessons; `make test` has the first one, and those with the mark have the others."""
    return [
        pytest.param(lesson, id=lesson.number, marks=() if lesson.number == FIRST else mark)
        for lesson in LESSONS
    ]


@pytest.fixture(scope="module")
def all_the_posts() -> Iterator[None]:
    """Have the largest table first: while it is added to, those who read it have to wait."""
    with posts_ready(560_000):
        yield


@pytest.fixture
def posts(request: pytest.FixtureRequest) -> None:
    """Make the table for those lessons that read it."""
    if request.node.callspec.params["lesson"].exercise.database:
        request.getfixturevalue("all_the_posts")


@pytest.mark.usefixtures("posts")
@pytest.mark.parametrize("lesson", each_lesson(pytest.mark.full))
def test_a_solution_passes(lesson: Lesson) -> None:
    """In its notebook, `make test-notebooks` grades it as well."""
    found = grade(lesson, lesson.solution)
    assert found.passed, found


@pytest.mark.usefixtures("posts")
@pytest.mark.parametrize("lesson", each_lesson(pytest.mark.slow))
def test_an_exercise_as_it_is_handed_out_does_not_pass(lesson: Lesson) -> None:
    number, cell = read(NOTEBOOKS / f"{lesson.number}-{lesson.name}.ipynb")
    assert number == lesson.number
    assert grade(lesson, cell).outcome in ("not attempted", "out of memory", "grows")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_every_kind_of_wrong_answer_is_there(lesson: Lesson) -> None:
    wanted = KINDS | AND_WITH_A_DATABASE if lesson.exercise.database else KINDS
    assert wanted <= {animal.name for animal in animals(lesson)}


@pytest.mark.usefixtures("posts")
@pytest.mark.parametrize(("lesson", "animal"), ZOO)
def test_what_is_wrong_is_rejected_for_the_right_reason(lesson: Lesson, animal: Animal) -> None:
    found = grade(lesson, animal.source)
    assert found.outcome in animal.outcomes, found
    assert animal.says in found.sentence, found
