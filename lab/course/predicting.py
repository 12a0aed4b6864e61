"""Predictions: peaks that a student expects, recorded before anything is measured."""

from typing import Any

from lab.course.card import Card
from lab.course.desk import told
from lab.course.lesson import Lesson, things
from lab.course.progress import Progress
from lab.errors import LabError
from lab.units import parse_bytes, show_bytes, show_count

PREDICTED = "predicted"


class Predict:
    """Called as ``predict(naive=("2 MB", "30 MB"), streaming=("1 MB", "1 MB"))``.

    Each pair is the peak at the smallest and at the largest size that will be measured.
    """

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._lesson = lesson
        self._progress = progress

    @told
    def __call__(self, **peaks: Any) -> Card:
        """Record a prediction; once measured, the first one stays."""
        labels = [target.label for target in self._lesson.targets]
        if unknown := set(peaks) - set(labels):
            raise LabError(
                f"there is no {unknown.pop()!r} to predict: name {' and '.join(labels)}."
            )
        missing = [label for label in labels if label not in peaks or _open(peaks[label])]
        if missing:
            return Card(
                f"What do you expect for {' and '.join(missing)}? Replace the dots with amounts "
                f'such as "3 MB", for {self._sizes(missing[0])}, and run this cell again.'
            )
        said = {label: self._pair(label, peaks[label]) for label in labels}
        if self._progress.get("measured"):
            kept = self._progress.keep_first(PREDICTED, said)
            if kept != said:
                return Card("You have measured already, so your first prediction stays.")
        self._progress.keep(PREDICTED, said)
        told_again = "; ".join(f"{label} {_arrow(said[label])}" for label in labels)
        return Card(f"Recorded: {told_again}. Now measure.", "good")

    def _sizes(self, label: str) -> str:
        sizes = next(one.sizes for one in self._lesson.targets if one.label == label)
        return f"{show_count(sizes[0])} and for {show_count(sizes[-1])} {things(self._lesson.axis)}"

    @staticmethod
    def _pair(label: str, said: Any) -> list[int]:
        if not isinstance(said, tuple | list) or len(said) != 2:
            raise LabError(f'predict two amounts for {label}, as {label}=("2 MB", "30 MB").')
        return [_amount(one) for one in said]


def _amount(said: Any) -> int:
    return parse_bytes(said) if isinstance(said, str) else round(float(said))


def _open(said: Any) -> bool:
    return said is ... or (isinstance(said, tuple | list) and ... in said)


def _arrow(pair: list[int]) -> str:
    return f"from {show_bytes(pair[0])} to {show_bytes(pair[1])}"
