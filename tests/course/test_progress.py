"""Predictions come before measurements, a quiz is marked by them, and progress is kept."""

import json
from dataclasses import replace

import pytest

from lab.course.cells.card import Card
from lab.course.cells.measure import MEASURED, Measure
from lab.course.cells.predict import PREDICTED, Predict
from lab.course.cells.quiz import Quiz
from lab.course.lesson import Measurements, Question
from lab.course.lessons import LESSONS, lesson
from lab.course.progress import Progress, read_all
from tests.helpers import run_lab

LENS = lesson("00")
LABELS = [target.label for target in LENS.targets]
GUESS = dict.fromkeys(LABELS, ("1 MB", "2 MB"))


@pytest.fixture
def progress(tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_COURSE", str(tmp_path / "course"))
    return Progress("00")


def test_a_prediction_is_recorded_in_bytes(progress):
    assert Predict(LENS, progress)(**GUESS).mood == "good"
    assert progress.get(PREDICTED) == {label: [1_000_000, 2_000_000] for label in LABELS}


def test_dots_are_no_prediction(progress):
    shown = Predict(LENS, progress)(**dict.fromkeys(LABELS, (..., "2 MB")))
    assert "Replace the dots" in shown.sentence
    assert progress.get(PREDICTED) is None


@pytest.mark.parametrize("said", ["3 MB", ("3 MB",), ("3 apples", "4 MB"), 7])
def test_what_is_no_pair_of_amounts_is_a_sentence(progress, said):
    shown = Predict(LENS, progress)(**{**GUESS, LABELS[0]: said})
    assert shown.mood == "bad"
    assert progress.get(PREDICTED) is None


def test_a_prediction_may_change_until_it_is_measured(progress):
    predict = Predict(LENS, progress)
    predict(**GUESS)
    predict(**{**GUESS, LABELS[0]: ("5 MB", "6 MB")})
    assert progress.get(PREDICTED)[LABELS[0]] == [5_000_000, 6_000_000]
    progress.keep(MEASURED, {"axis": "n", "peaks": {}})
    assert "your first prediction stays" in predict(**GUESS).sentence
    assert progress.get(PREDICTED)[LABELS[0]] == [5_000_000, 6_000_000]


def test_measuring_draws_the_prediction_and_keeps_what_was_measured(progress):
    assert "Predict first" in Measure(LENS, progress)().sentence
    Predict(LENS, progress)(**GUESS)
    shown = Measure(LENS, progress)()
    assert isinstance(shown, Card)
    assert "as predicted" in shown.svg
    assert shown.columns[1:] == tuple(LABELS)
    assert len(shown.rows) == len(LENS.targets[0].sizes)
    assert set(progress.get(MEASURED)["peaks"]) == set(LABELS)


AMOUNT = Question("How much?", lambda seen: seen.per_item("naive"), "So it is.", "100 B")
CHOICE = Question("Which?", lambda _: "this", "Because.", "this", ("this", "that"))


@pytest.fixture
def quiz(progress):
    progress.keep(MEASURED, {"axis": "n", "peaks": {"naive": {"1000": 5_000, "2000": 105_000}}})
    return Quiz(replace(LENS, questions={"a": AMOUNT, "b": CHOICE}), progress)


@pytest.mark.parametrize(
    ("a", "b", "right"),
    [
        ("100 B", "this", 2),
        ("124 B", "that", 1),
        (76, "this", 2),
        ("126 B", "this", 1),
        ("74 B", "that", 0),
        ("much", "neither", 0),
        (..., ..., 0),
    ],
)
def test_answers_are_held_against_the_students_own_measurement(quiz, a, b, right):
    assert quiz(a=a, b=b).sentence == f"{right} of 2 are right."


def test_a_wrong_answer_is_not_told_the_right_one(quiz):
    shown = str(quiz(a="1 kB", b="that"))
    assert "100 B" not in shown
    assert "Because" not in shown


def test_an_unknown_question_is_a_sentence(quiz):
    assert "no question 'c'" in quiz(c="1").sentence


def test_a_measurement_knows_what_an_item_costs():
    seen = Measurements("rows", {"naive": {10: 100, 30: 500}})
    assert (seen.per_item("naive"), seen.smallest("naive"), seen.largest("naive")) == (20, 100, 500)


def test_progress_is_shown_and_one_lesson_is_forgotten(progress, tmp_path):
    progress.keep("exercise", {"outcome": "passed", "tries": 2})
    Progress("03").keep(PREDICTED, {})
    shown = run_lab("course")
    assert shown.returncode == 0, shown.stderr
    assert "passed, 2 tries" in shown.stdout
    assert run_lab("course", "reset", "00").returncode == 0
    assert list(read_all()) == ["03"]
    assert run_lab("course", "reset").returncode == 0
    assert read_all() == {}


def test_a_lesson_that_there_is_not_is_a_sentence(progress):
    done = run_lab("course", "reset", "77")
    assert done.returncode == 2
    assert "unknown lesson '77'" in done.stderr


def test_a_damaged_file_is_a_sentence_and_can_be_reset(progress, tmp_path):
    progress.keep("hints", 1)
    (tmp_path / "course" / "progress.json").write_text("[1")
    assert "progress.json is damaged" in Predict(LENS, progress)(**GUESS).sentence
    assert run_lab("course", "reset").returncode == 0
    assert progress.get("hints") is None


def test_progress_of_two_notebooks_at_once_is_kept(progress, tmp_path):
    """Each change is made under a lock, on what the file says by then."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Progress(f"{n:02}").keep("hints", n), range(40)))
    kept = json.loads((tmp_path / "course" / "progress.json").read_text())
    assert {number: of["hints"] for number, of in kept.items()} == {f"{n:02}": n for n in range(40)}


@pytest.mark.parametrize("found", LESSONS, ids=lambda one: one.number)
def test_a_lesson_declares_what_its_notebook_needs(found):
    exercise = found.exercise
    assert 2 <= len(exercise.hints) <= 3
    assert all(len(hint) > 40 for hint in exercise.hints)
    assert f"def {exercise.function}(" in found.solution
    assert found.targets[0].role == "naive"
    assert all(one.example in one.choices for one in found.questions.values() if one.choices)
    tags = [tag for tag, _ in found.filled()]
    assert tags == ["predict", "exercise", "quiz"]
