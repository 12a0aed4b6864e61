"""Predictions: the peaks that a student expects, recorded before the measurement."""

from typing import Any

from lab.course.cells.card import Card, as_card
from lab.course.lesson import Lesson, axis_label
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

    @as_card
    def __call__(self, **peaks: Any) -> Card:
        """Record a prediction; after the measurement, the first one stays."""
        labels = [target.label for target in self._lesson.targets]
        if unknown := set(peaks) - set(labels):
            raise LabError(f"there is no target {unknown.pop()!r}: predict {' and '.join(labels)}.")
        missing = [label for label in labels if label not in peaks or _blank(peaks[label])]
        if missing:
            return Card(
                f"What do you expect for {' and '.join(missing)}? Replace the dots with amounts "
                f'such as "3 MB", for {self._sizes(missing[0])}, and run this cell again.'
            )
        pairs = {label: _pair(label, peaks[label]) for label in labels}
        if self._progress.get("measured"):
            first = self._progress.keep_first(PREDICTED, pairs)
            if first != pairs:
                return Card("You have measured already, so your first prediction stays.")
        self._progress.keep(PREDICTED, pairs)
        ranges = "; ".join(f"{label} {_range(pairs[label])}" for label in labels)
        return Card(f"Recorded: {ranges}. Now measure.", "good")

    def _sizes(self, label: str) -> str:
        sizes = next(target.sizes for target in self._lesson.targets if target.label == label)
        axis = axis_label(self._lesson.axis)
        return f"{show_count(sizes[0])} and for {show_count(sizes[-1])} {axis}"


def _pair(label: str, peaks: Any) -> list[int]:
    if not isinstance(peaks, tuple | list) or len(peaks) != 2:
        raise LabError(f'predict two amounts for {label}, as {label}=("2 MB", "30 MB").')
    return [_amount(peak) for peak in peaks]


def _amount(peak: Any) -> int:
    return parse_bytes(peak) if isinstance(peak, str) else round(float(peak))


def _blank(peaks: Any) -> bool:
    return peaks is ... or (isinstance(peaks, tuple | list) and ... in peaks)


def _range(pair: list[int]) -> str:
    return f"from {show_bytes(pair[0])} to {show_bytes(pair[1])}"
