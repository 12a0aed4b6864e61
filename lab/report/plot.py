"""Curves as SVG: logarithmic axes with units, and a different mark and line for each role.

The colours are Okabe and Ito's, which colour-blind readers can tell apart, and no meaning depends
on colour alone. Every picture contains a title and a description for screen readers.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lab.curves.curve import Curve, Witness
from lab.pattern import Role
from lab.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES: dict[Role, tuple[str, str, str]] = {
    "naive": ("#D55E00", "o", "-"),
    "trap": ("#CC79A7", "X", "-."),
    "streaming": ("#0072B2", "s", "--"),
    "tuned": ("#009E73", "^", ":"),
}
"""Colour, mark and line of each role."""

_QUANTITIES: dict[Witness, tuple[str, str]] = {
    "heap": ("peak heap", "bytes"),
    "rss": ("peak RSS", "bytes"),
    "seconds": ("time", "seconds"),
}
"""What each witness measures, and its unit."""

_SETTINGS = {
    "svg.hashsalt": "memory-lab",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
}


@dataclass(frozen=True)
class Trace:
    """A line of a plot.

    Attributes:
        label: Its text in the legend.
        role: Decides its colour, mark and line.
        points: Pairs of size and amount.
        lone: A point at a larger size, drawn apart and joined to the nearest point; or None.
        extrapolated: Whether ``lone`` was extrapolated; its mark is then empty.
        predicted: Whether the points were predicted, not measured; the line is then thin.
    """

    label: str
    role: Role
    points: Sequence[tuple[float, float]]
    lone: tuple[float, float] | None = None
    extrapolated: bool = False
    predicted: bool = False


def curves_svg(title: str, curves: Iterable[tuple[Curve, Role]]) -> str:
    """Return a picture of curves with the same axis and the same witness, as SVG."""
    pairs = list(curves)
    traces = []
    for curve, role in pairs:
        sizes, peaks = curve.seen()
        traces.append(Trace(curve.target, role, list(zip(sizes, peaks, strict=True))))
    axis, witness = pairs[0][0].axis, pairs[0][0].witness
    show = show_seconds if witness == "seconds" else show_bytes
    ranges = "; ".join(
        f"{trace.label} from {show(trace.points[0][1])} to {show(trace.points[-1][1])}"
        for trace in traces
        if trace.points
    )
    quantity = _QUANTITIES[witness][0]
    description = f"{quantity[0].upper()}{quantity[1:]} against {axis}, both axes logarithmic"
    return draw(title, f"{description}: {ranges}.", traces, axis, witness)


def draw(
    title: str,
    description: str,
    traces: Sequence[Trace],
    axis: str,
    witness: Witness = "heap",
) -> str:
    """Draw what a witness measured against sizes, both axes logarithmic; return the SVG.

    Args:
        title: Printed above the picture, and read by screen readers.
        description: Read by screen readers.
        traces: The lines.
        axis: What the sizes count.
        witness: Decides the label and the unit of the vertical axis.
    """
    from matplotlib.ticker import LogLocator

    with drawing() as (figure, axes):
        axes.set_xscale("log", subs=[])
        axes.set_yscale("log", subs=[])
        highest = max((trace.lone[1] for trace in traces if trace.lone), default=0)
        for trace in traces:
            draw_trace(axes, trace, above=trace.lone is None or trace.lone[1] >= highest)
        in_bytes = axis in ("bytes", "chunk")
        axes.set_xlabel(f"{axis} (size)" if axis == "n" else axis)
        axes.set_ylabel("{} ({})".format(*_QUANTITIES[witness]))
        axes.xaxis.set_major_formatter(
            lambda value, _: _tick(value) if in_bytes else show_count(round(value))
        )
        axes.yaxis.set_major_formatter(
            lambda value, _: show_seconds(value) if witness == "seconds" else _tick(value)
        )
        axes.margins(0.08, 0.15)
        _at_least_a_decade(axes)
        for line, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            if high / low < 100:
                line.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.grid(visible=True, which="major", alpha=0.3)
        return finish(figure, axes, title, description)


def _at_least_a_decade(axes: "Axes") -> None:
    """Widen the vertical axis, or a rise of a few kilobytes would look steep."""
    low, high = axes.get_ylim()
    widen = max(1.0, (10 / (high / low)) ** 0.5)
    axes.set_ylim(low / widen, high * widen)


def draw_trace(axes: "Axes", trace: Trace, *, above: bool = True) -> None:
    """Draw one line with its marks, and join its lone point to the nearest point of the line.

    Args:
        axes: Where to draw.
        trace: The line.
        above: Whether the amount of the lone point is written above it, not below.
    """
    colour, mark, line = STYLES[trace.role]
    xs, ys = [x for x, _ in trace.points], [y for _, y in trace.points]
    if trace.predicted:
        axes.plot(xs, ys, "-", linewidth=0.8, dashes=(9, 4), color=colour, label=trace.label)
        return
    axes.plot(xs, ys, line, marker=mark, markersize=5, color=colour, label=trace.label)
    if trace.lone is None:
        return
    x, y = trace.lone
    nearest = min(trace.points, key=lambda point: abs(point[0] - x))
    axes.plot([nearest[0], x], [nearest[1], y], line, color=colour, alpha=0.5)
    face = "none" if trace.extrapolated else colour
    axes.plot([x], [y], mark, markersize=10, color=colour, markerfacecolor=face)
    note = show_bytes(y) + (" extrapolated" if trace.extrapolated else "")
    offset = (0, 9 if above else -17)
    axes.annotate(note, (x, y), offset, textcoords="offset points", ha="center", color=colour)


def require_matplotlib() -> None:
    """Raise the error of an import if matplotlib, with which plots are drawn, is missing."""
    import matplotlib  # noqa: F401


@contextmanager
def drawing() -> "Iterator[tuple[Figure, Axes]]":
    """Yield a figure with one pair of axes, drawn without a display."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]
        # Fixed margins that fit every label save the half second of an automatic layout.
        figure = Figure(figsize=(7, 4.2))
        yield figure, figure.add_axes((0.13, 0.12, 0.84, 0.79))


def finish(figure: "Figure", axes: "Axes", title: str, description: str) -> str:
    """Add the title and the legend; return the SVG with its description inside."""
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="best")
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return _accessible(stream.getvalue(), title, description)


def _tick(amount: float) -> str:
    """Write a round amount without trailing zeros: ``10 MB``."""
    return re.sub(r"\.0+ ", " ", show_bytes(amount))


def _accessible(svg: str, title: str, description: str) -> str:
    """Put the title and the description first in the SVG; drop the XML preamble and metadata."""
    svg = svg[svg.index("<svg") :]
    words = f"<title>{escape(title)}</title>\n <desc>{escape(description)}</desc>\n"
    label = escape(f"{title}. {description}", {'"': "&quot;"})
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Two pictures on one page would repeat these ids, and nothing refers to them.
    svg = re.sub(r'<g id="[\w.]+"', "<g", svg)
    return re.sub(
        r"<svg ([^>]*)>",
        lambda tag: f'<svg role="img" aria-label="{label}" {tag[1]}>\n {words}',
        svg,
        count=1,
    )
