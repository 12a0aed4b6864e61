"""Pictures of the table: peak heap against size, and heap against time."""

from lab.pattern import Pattern
from lab.patterns import pattern
from lab.report.plot import STYLES, Trace, draw, drawing, finish
from lab.report.terminal import or_dash
from lab.table.results import Row, VariantFigures
from lab.units import show_bytes

_SHORTEST_SERIES = 10
"""Samples, one per 10 ms, below which there is no picture of the heap over time."""


def scenario_svg(row: Row) -> str:
    """Draw the curves of the naive and the streaming variant, and their peaks at its size."""
    scenario = row.scenario
    lesson = pattern(scenario.pattern)
    traces = [_scenario_trace(row, lesson, measured) for measured in (row.naive, row.streaming)]
    peaks = "; ".join(
        f"{'the naive' if measured is row.naive else 'the streaming'} variant "
        f"{measured.variant} peaks at {or_dash(measured.heap)}"
        f"{' (extrapolated)' if measured.extrapolated else ''}"
        for measured in (row.naive, row.streaming)
    )
    description = (
        f"Peak heap against {scenario.axis}, both axes logarithmic. At {scenario.amount}, {peaks}."
    )
    return draw(scenario.title, description, traces, scenario.axis, "heap")


def series_svg(row: Row) -> str | None:
    """Draw the heap of both variants against time; None if both runs were too short."""
    if max(len(row.naive.series), len(row.streaming.series)) < _SHORTEST_SERIES:
        return None
    lesson = pattern(row.scenario.pattern)
    traces = [
        Trace(_label(lesson, m), lesson[m.variant].role, m.series)
        for m in (row.naive, row.streaming)
        if m.series
    ]
    with drawing() as (figure, axes):
        for trace in traces:
            colour, _, line = STYLES[trace.role]
            times = [when for when, _ in trace.points]
            axes.plot(
                times, [heap for _, heap in trace.points], line, color=colour, label=trace.label
            )
        axes.set_xlabel("seconds, traced")
        axes.set_ylabel("heap")
        axes.yaxis.set_major_formatter(lambda value, _: show_bytes(value))
        axes.set_ylim(bottom=0)
        title = f"{row.scenario.title}: heap while it runs"
        description = "; ".join(
            f"{trace.label} reaches {show_bytes(max(heap for _, heap in trace.points))}"
            for trace in traces
        )
        return finish(figure, axes, title, f"Heap against time: {description}.")


def _scenario_trace(row: Row, lesson: Pattern, measured: VariantFigures) -> Trace:
    curve = row.curve(measured.variant)
    return Trace(
        _label(lesson, measured),
        lesson[measured.variant].role,
        list(zip(*curve.seen(), strict=True)),
        None if measured.heap is None else (row.scenario.size, measured.heap),
        measured.extrapolated,
    )


def _label(lesson: Pattern, measured: VariantFigures) -> str:
    return f"{lesson[measured.variant].role}: {measured.variant}"
