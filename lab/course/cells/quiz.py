"""The quiz: questions that are answered from the student's own measurement."""

from typing import Any

from lab.course.cells.card import Card, as_card
from lab.course.cells.measure import MEASURED
from lab.course.lesson import Lesson, Measurements, Question
from lab.course.progress import Progress
from lab.errors import LabError
from lab.units import parse_bytes, show_bytes

TOLERANCE = 0.25
"""Relative error up to which an amount is right."""


class Quiz:
    """Called as ``quiz(a="2.1 kB", b="streaming")``; with dots it shows the questions."""

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._questions = lesson.questions
        self._progress = progress

    @as_card
    def __call__(self, **answers: Any) -> Card:
        """Mark the answers, and explain the right ones."""
        known = ", ".join(self._questions)
        if unknown := set(answers) - set(self._questions):
            raise LabError(f"there is no question {unknown.pop()!r}: answer {known}.")
        saved = self._progress.get(MEASURED)
        if saved is None:
            return Card("Measure first: the answers are in the measurement above.")
        measured = _measurements(saved)
        marked = {
            letter: _mark(question, answers.get(letter, ...), measured)
            for letter, question in self._questions.items()
        }
        right = [letter for letter, (good, _) in marked.items() if good]
        done = len(right) == len(marked)
        if any(answers.get(letter, ...) is not ... for letter in marked):
            self._progress.keep("quiz", {"right": right, "of": list(marked)})
        rows = tuple(
            (f"{letter}: {self._questions[letter].prompt}", comment)
            for letter, (_, comment) in marked.items()
        )
        sentence = f"{len(right)} of {len(marked)} are right."
        return Card(sentence, "good" if done else "plain", columns=("question", ""), rows=rows)


def _measurements(saved: dict[str, Any]) -> Measurements:
    peaks = {
        label: {int(size): peak for size, peak in curve.items()}
        for label, curve in saved["peaks"].items()
    }
    return Measurements(saved["axis"], peaks)


def _mark(question: Question, answer: Any, measured: Measurements) -> tuple[bool, str]:
    """Return whether an answer is right, and a comment; only right answers are explained."""
    if answer is ...:
        return False, "replace the dots with your answer"
    right = question.right(measured)
    if isinstance(right, str):
        if answer not in question.choices:
            return False, f"choose one of: {', '.join(question.choices)}"
        good = answer == right
    else:
        try:
            amount = parse_bytes(answer) if isinstance(answer, str) else float(answer)
        except (LabError, TypeError, ValueError):
            return False, 'answer with an amount, such as "2.5 kB"'
        good = abs(amount - right) <= TOLERANCE * abs(right)
    if not good:
        return False, f"✗ {answer} is not what you measured: look at your table again"
    shown = right if isinstance(right, str) else f"you measured {show_bytes(right)}"
    return True, f"✓ {shown}. {question.why}"
