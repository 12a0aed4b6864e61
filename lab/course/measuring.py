"""Measuring: a lesson's targets at their sizes, drawn beside what was predicted."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from lab.course.card import Card
from lab.course.desk import told
from lab.course.lesson import Lesson, Measured, things
from lab.course.predicting import PREDICTED
from lab.course.progress import Progress
from lab.errors import LabError
from lab.units import show_bytes, show_count

if TYPE_CHECKING:
    from lab.measure.curve import Curve
    from lab.measure.sweep import Sweep
    from lab.pattern import Pattern, Variant

MEASURED = "measured"


class Measure:
    """Called as ``measure()``; what was measured is kept for the quiz."""

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._lesson = lesson
        self._progress = progress

    @told
    def __call__(self) -> Card:
        """Measure every target, each point in a fresh process, and show the curves."""
        predicted = self._progress.get(PREDICTED)
        if predicted is None:
            return Card("Predict first: fill in the cell above, and run it. Then measure.")
        seen = self._measured()
        self._progress.keep(MEASURED, {"axis": seen.axis, "peaks": seen.peaks})
        return self._card(seen, predicted)

    def _measured(self) -> Measured:
        """Measure the targets in one go, and hold them to the same answers."""
        from lab.measure.sweep import curves

        lesson = self._lesson
        with ExitStack() as stack:
            for one in lesson.targets:
                stack.enter_context(data_for(one.path, lesson.axis, one.sizes))
            sweeps = {one.label: along(one.path, lesson.axis, one.sizes) for one in lesson.targets}
            found = curves(sweeps, ("heap",))
        _check_same_answers(lesson, found)
        peaks = {
            label: {point.size: point.peak_heap_bytes or 0 for point in curve.points}
            for label, curve in found.items()
        }
        return Measured(lesson.axis, peaks)

    def _card(self, seen: Measured, predicted: Mapping[str, Any]) -> Card:
        sizes = sorted({size for peaks in seen.peaks.values() for size in peaks})
        labels = list(seen.peaks)
        rows = tuple(
            (show_count(size), *(_cell(seen.peaks[label].get(size)) for label in labels))
            for size in sizes
        )
        said = "; ".join(
            f"{one.label} peaked at {show_bytes(seen.largest(one.label))} with "
            f"{show_count(one.sizes[-1])} {things(seen.axis)}, and you said "
            f"{show_bytes(predicted[one.label][1])}"
            for one in self._lesson.targets
        )
        svg = _drawn(self._lesson, seen, predicted)
        return Card(f"{said}.", "plain", svg=svg, columns=(things(seen.axis), *labels), rows=rows)


def _cell(peak: int | None) -> str:
    return "" if peak is None else show_bytes(peak)


def data_for(path: str, axis: str, sizes: Sequence[int]) -> AbstractContextManager[None]:
    """Have the data of a target in place, outside of what is measured; a function has none."""
    from lab.compare import prepared

    variant = _variant(path)
    return nullcontext() if variant is None else prepared(variant[0], axis, sizes)


def along(path: str, axis: str, sizes: Sequence[int]) -> "Sweep":
    """Describe how a target is measured: a variant, or anybody's function."""
    from lab.compare import Answer
    from lab.measure.sweep import sweep_of
    from lab.measure.workload import Function

    variant = _variant(path)
    subject = Function(path) if variant is None else Answer(*variant)
    return sweep_of(subject, axis, sizes)


def _variant(path: str) -> "tuple[Pattern, Variant] | None":
    from lab.patterns import pattern

    name, slash, variant = path.partition("/")
    return (pattern(name), pattern(name)[variant]) if slash else None


def _check_same_answers(lesson: Lesson, found: "Mapping[str, Curve]") -> None:
    """Hold every target to the first one's answers; a trap may say something else.

    Raises:
        LabError: Two differ.
    """
    right: dict[int, str] = {}
    for one in lesson.targets:
        for point in found[one.label].points if one.role != "trap" else ():
            if right.setdefault(point.size, point.digest) != point.digest:
                raise LabError(
                    f"{one.label} gives another answer at {show_count(point.size)} {lesson.axis}; "
                    "figures of targets that do different things say nothing."
                )


def _drawn(lesson: Lesson, seen: Measured, predicted: Mapping[str, Any]) -> str:
    from lab.report.plot import Trace, draw

    traces = [
        Trace(one.label, one.role, sorted(seen.peaks[one.label].items())) for one in lesson.targets
    ]
    for one in lesson.targets:
        # A logarithmic axis has no place for nothing.
        peaks = [max(1, peak) for peak in predicted[one.label]]
        guess = list(zip((one.sizes[0], one.sizes[-1]), peaks, strict=True))
        traces.append(Trace(f"{one.label}, as predicted", one.role, guess, predicted=True))
    said = "; ".join(
        f"{trace.label} from {show_bytes(trace.points[0][1])} to {show_bytes(trace.points[-1][1])}"
        for trace in traces
    )
    description = f"Peak heap against {seen.axis}, both axes logarithmic: {said}."
    return draw(lesson.title, description, traces, seen.axis)
