"""The measurement of a lesson: peaks of its targets, drawn beside the prediction."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from lab.course.cells.card import Card, as_card
from lab.course.cells.predict import PREDICTED
from lab.course.lesson import Lesson, Measurements, axis_label
from lab.course.progress import Progress
from lab.errors import LabError
from lab.units import show_bytes, show_count

if TYPE_CHECKING:
    from lab.curves.curve import Curve
    from lab.measure.sweep import Sweep
    from lab.pattern import Pattern, Variant

MEASURED = "measured"


class Measure:
    """Called as ``measure()``; saves the peaks for the quiz."""

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._lesson = lesson
        self._progress = progress

    @as_card
    def __call__(self) -> Card:
        """Measure every target, each point in a fresh process, and show the curves."""
        predicted = self._progress.get(PREDICTED)
        if predicted is None:
            return Card("Predict first: fill in the cell above and run it, then measure.")
        measured = self._measure()
        self._progress.keep(MEASURED, {"axis": measured.axis, "peaks": measured.peaks})
        return self._card(measured, predicted)

    def _measure(self) -> Measurements:
        from lab.measure.sweep import curves

        lesson, axis = self._lesson, self._lesson.axis
        with ExitStack() as stack:
            for target in lesson.targets:
                stack.enter_context(target_data(target.path, axis, target.sizes))
            sweeps = {
                target.label: sweep_for(target.path, axis, target.sizes)
                for target in lesson.targets
            }
            measured = curves(sweeps, ("heap",))
        _require_same_answers(lesson, measured)
        peaks = {
            label: {point.size: point.peak_heap_bytes or 0 for point in curve.points}
            for label, curve in measured.items()
        }
        return Measurements(axis, peaks)

    def _card(self, measured: Measurements, predicted: Mapping[str, Any]) -> Card:
        sizes = sorted({size for peaks in measured.peaks.values() for size in peaks})
        labels, axis = list(measured.peaks), axis_label(measured.axis)
        rows = tuple(
            (show_count(size), *(_cell(measured.peaks[label].get(size)) for label in labels))
            for size in sizes
        )
        peaks = "; ".join(
            f"{target.label} peaked at {show_bytes(measured.largest(target.label))} with "
            f"{show_count(target.sizes[-1])} {axis}, and you predicted "
            f"{show_bytes(predicted[target.label][1])}"
            for target in self._lesson.targets
        )
        svg = _plot(self._lesson, measured, predicted)
        return Card(f"{peaks}.", "plain", svg=svg, columns=(axis, *labels), rows=rows)


def _cell(peak: int | None) -> str:
    return "" if peak is None else show_bytes(peak)


def target_data(path: str, axis: str, sizes: Sequence[int]) -> AbstractContextManager[None]:
    """Return a context manager that provides a target's data; a function needs none."""
    from lab.variants import data_for

    variant = _variant(path)
    return nullcontext() if variant is None else data_for(variant[0], axis, sizes)


def sweep_for(path: str, axis: str, sizes: Sequence[int]) -> "Sweep":
    """Return the sweep of a target, which is a variant or a function."""
    from lab.measure.sweep import sweep_of
    from lab.measure.workload import Function
    from lab.variants import VariantSubject

    variant = _variant(path)
    subject = Function(path) if variant is None else VariantSubject(*variant)
    return sweep_of(subject, axis, sizes)


def _variant(path: str) -> "tuple[Pattern, Variant] | None":
    from lab.patterns import pattern

    name, slash, variant = path.partition("/")
    return (pattern(name), pattern(name)[variant]) if slash else None


def _require_same_answers(lesson: Lesson, measured: "Mapping[str, Curve]") -> None:
    """Require that all targets give the same answers, except those with the role ``trap``.

    Raises:
        LabError: Two targets differ.
    """
    expected: dict[int, str] = {}
    for target in lesson.targets:
        for point in measured[target.label].points if target.role != "trap" else ():
            if expected.setdefault(point.size, point.digest) != point.digest:
                raise LabError(
                    f"{target.label} gives a different answer at {show_count(point.size)} "
                    f"{lesson.axis}: compare targets that give the same."
                )


def _plot(lesson: Lesson, measured: Measurements, predicted: Mapping[str, Any]) -> str:
    from lab.report.plot import Trace, draw

    traces = [
        Trace(target.label, target.role, sorted(measured.peaks[target.label].items()))
        for target in lesson.targets
    ]
    for target in lesson.targets:
        # A logarithmic axis cannot show 0.
        peaks = [max(1, peak) for peak in predicted[target.label]]
        guess = list(zip((target.sizes[0], target.sizes[-1]), peaks, strict=True))
        traces.append(Trace(f"{target.label}, as predicted", target.role, guess, predicted=True))
    ranges = "; ".join(
        f"{trace.label} from {show_bytes(trace.points[0][1])} to {show_bytes(trace.points[-1][1])}"
        for trace in traces
    )
    description = f"Peak heap against {measured.axis}, both axes logarithmic: {ranges}."
    return draw(lesson.title, description, traces, measured.axis)
