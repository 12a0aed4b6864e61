"""The quiz: questions that the student's own measurement answers."""

from typing import Any

from lab.course.card import Card
from lab.course.desk import told
from lab.course.lesson import Lesson, Measured, Question
from lab.course.measuring import MEASURED
from lab.course.progress import Progress
from lab.errors import LabError
from lab.units import parse_bytes, show_bytes

WITHIN = 0.25
"""An amount is right that is no farther off than this part of the right one."""


class Quiz:
    """Called as ``quiz(a="2.1 kB", b="streaming")``; with dots it shows the questions."""

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._questions = lesson.questions
        self._progress = progress

    @told
    def __call__(self, **answers: Any) -> Card:
        """Mark the answers, and explain those that are right."""
        if unknown := set(answers) - set(self._questions):
            raise LabError(f"there is no question {unknown.pop()!r}: {', '.join(self._questions)}.")
        kept = self._progress.get(MEASURED)
        if kept is None:
            return Card("Measure first: the answers are in what you measure above.")
        seen = _measured(kept)
        marked = {
            letter: _mark(question, answers.get(letter, ...), seen)
            for letter, question in self._questions.items()
        }
        right = [letter for letter, (good, _) in marked.items() if good]
        done = len(right) == len(marked)
        if any(answers.get(letter, ...) is not ... for letter in marked):
            self._progress.keep("quiz", {"right": right, "of": list(marked)})
        rows = tuple(
            (f"{letter}: {self._questions[letter].asked}", said)
            for letter, (_, said) in marked.items()
        )
        sentence = f"{len(right)} of {len(marked)} are right."
        return Card(sentence, "good" if done else "plain", columns=("question", ""), rows=rows)


def _measured(kept: dict[str, Any]) -> Measured:
    peaks = {
        label: {int(size): peak for size, peak in of.items()} for label, of in kept["peaks"].items()
    }
    return Measured(kept["axis"], peaks)


def _mark(question: Question, answer: Any, seen: Measured) -> tuple[bool, str]:
    """Tell whether an answer is right, and say so; what is right is only told to who knows it."""
    if answer is ...:
        return False, "replace the dots with your answer"
    right = question.right(seen)
    if isinstance(right, str):
        if answer not in question.choices:
            return False, f"choose one of: {', '.join(question.choices)}"
        good = answer == right
    else:
        try:
            amount = parse_bytes(answer) if isinstance(answer, str) else float(answer)
        except (LabError, TypeError, ValueError):
            return False, 'answer with an amount, such as "2.5 kB"'
        good = abs(amount - right) <= WITHIN * abs(right)
    if not good:
        return False, f"✗ {answer} is not what you measured: look at your table again"
    shown = right if isinstance(right, str) else f"you measured {show_bytes(right)}"
    return True, f"✓ {shown}. {question.why}"
