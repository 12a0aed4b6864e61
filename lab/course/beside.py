"""Functions, or variants, beside one another: a notebook's smaller measurements, as a table."""

from collections.abc import Sequence
from contextlib import ExitStack

from lab.course.card import Card
from lab.course.desk import told
from lab.course.measuring import along, data_for
from lab.errors import LabError
from lab.units import show_bytes, show_count


@told
def beside(sizes: Sequence[int], axis: str = "n", /, **targets: str) -> Card:
    """Measure targets at the same sizes, each point in a fresh process, and show their peaks.

    Args:
        sizes: Increasing.
        axis: What they count.
        targets: What to call each, and its path: ``package.module:function``, or a variant, as
            ``rows/yield_per``.
    """
    from lab.measure.sweep import curves

    with ExitStack() as stack:
        for path in targets.values():
            stack.enter_context(data_for(path, axis, sizes))
        sweeps = {label: along(path, axis, sizes) for label, path in targets.items()}
        found = curves(sweeps, ("heap",))
    if len({tuple(point.digest for point in curve.points) for curve in found.values()}) > 1:
        raise LabError(f"{' and '.join(found)} do not answer alike, so their peaks say nothing.")
    peaks = {label: curve.seen()[1] for label, curve in found.items()}
    rows = tuple(
        (show_count(size), *(show_bytes(of[place]) for of in peaks.values()))
        for place, size in enumerate(sizes)
    )
    said = "; ".join(
        f"{label} from {show_bytes(of[0])} to {show_bytes(of[-1])}" for label, of in peaks.items()
    )
    return Card(f"{said}.", columns=(axis, *peaks), rows=rows)
