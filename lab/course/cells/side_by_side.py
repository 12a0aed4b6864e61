"""Measures functions or variants at the same sizes, and compares their peaks in a table."""

from collections.abc import Sequence
from contextlib import ExitStack

from lab.course.cells.card import Card, as_card
from lab.course.cells.measure import sweep_for, target_data
from lab.errors import LabError
from lab.units import show_bytes, show_count


@as_card
def beside(sizes: Sequence[int], axis: str = "n", /, **targets: str) -> Card:
    """Show the peaks of several targets, each point measured in a fresh process.

    Args:
        sizes: Increasing.
        axis: What the sizes count.
        targets: Label to path: ``package.module:function``, or a variant, as ``rows/yield_per``.
    """
    from lab.measure.sweep import curves

    with ExitStack() as stack:
        for path in targets.values():
            stack.enter_context(target_data(path, axis, sizes))
        sweeps = {label: sweep_for(path, axis, sizes) for label, path in targets.items()}
        measured = curves(sweeps, ("heap",))
    if len({tuple(point.digest for point in curve.points) for curve in measured.values()}) > 1:
        raise LabError(
            f"{' and '.join(measured)} give different answers: compare targets that give the same."
        )
    peaks = {label: curve.seen()[1] for label, curve in measured.items()}
    rows = tuple(
        (show_count(size), *(show_bytes(curve[place]) for curve in peaks.values()))
        for place, size in enumerate(sizes)
    )
    ranges = "; ".join(
        f"{label} from {show_bytes(curve[0])} to {show_bytes(curve[-1])}"
        for label, curve in peaks.items()
    )
    return Card(f"{ranges}.", columns=(axis, *peaks), rows=rows)
