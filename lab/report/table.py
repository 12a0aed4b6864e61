"""The lesson's table, measured: in the terminal, as one SVG for each scenario, and in files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from lab.pattern import Pattern
from lab.patterns import pattern
from lab.report.json import table_json, write_json, write_text
from lab.report.plot import STYLES, Trace, draw, drawing, finish
from lab.report.terminal import COLOURS, WIDTH
from lab.table import Measured, Row, Table, Timings
from lab.units import show_bytes, show_seconds

_SHORTEST_SERIES = 10
"""Samples, taken every ten milliseconds, below which a picture over time shows nothing."""


def write_table(table: Table, folder: Path) -> Path:
    """Write the table as JSON, one SVG for each scenario and an HTML page; return the page."""
    from lab.report.page import page

    write_json(folder / "table.json", table_json(table))
    pictures = {row.scenario.name: scenario_svg(row) for row in table.rows}
    for name, svg in pictures.items():
        write_text(folder / f"{name}.svg", svg)
    write_text(folder / "index.html", page(table, pictures))
    return folder / "index.html"


def print_table(to: Console, table: Table) -> None:
    """Print the lesson's table with what was measured, and a sentence for each verdict."""
    grid = Grid(width=min(to.width, WIDTH), pad_edge=False, show_lines=True)
    grid.add_column("Scenario, approach", ratio=10)
    grid.add_column("The lesson\nsays", ratio=4)
    grid.add_column("Naive\nheap / RSS", justify="right", ratio=5)
    grid.add_column("Streaming\nheap / RSS", justify="right", ratio=5)
    grid.add_column("Growth found", ratio=5)
    grid.add_column("Verdict", ratio=5)
    for number, row in enumerate(table.rows, 1):
        scenario = row.scenario
        grid.add_row(
            f"{number} {scenario.title}\n  {scenario.approach}",
            scenario.says,
            _figures(row.naive),
            _figures(row.streaming),
            row.growth_found,
            _verdict(row),
        )
    to.print(grid)
    for line in reasons(table.rows):
        to.print(line, soft_wrap=not to.is_terminal)


def reasons(rows: Iterable[Row]) -> Iterator[str]:
    """Yield a sentence for each row's verdict, and for the lesson's own code where it differs."""
    for number, row in enumerate(rows, 1):
        yield f"{number} {row.verdict.finding}: {row.verdict.reason}."
        if row.printed is not None:
            yield f"  As the lesson's own code does it ({row.printed.name}): {row.printed.why}"
        if row.printed_verdict is not None:
            yield f"  That is {row.printed_verdict.finding}: {row.printed_verdict.reason}."
        for measured in (row.naive, row.streaming):
            if measured.error:
                yield f"  No figure: {measured.error}."
        if row.naive.extrapolated:
            yield "  The naive figures are extrapolated from the slope at smaller sizes."


def print_timings(to: Console, timings: Timings) -> None:
    """Print where the time of a table went."""
    phases = (timings.data, timings.curves, timings.scenarios)
    names = ("data", "curves", "scenarios")
    said = ", ".join(f"{n} {show_seconds(s)}" for n, s in zip(names, phases, strict=True))
    to.print(f"Took {show_seconds(sum(phases))}: {said}.")
    to.print(
        f"The harness added {show_seconds(median(timings.overheads))} to a point (median), "
        f"{show_seconds(max(timings.overheads))} at most, over {len(timings.overheads)} processes."
    )


def _figures(measured: Measured) -> str:
    mark = "\nextrapolated" if measured.extrapolated else ""
    return f"{_or_dash(measured.heap)} /\n{_or_dash(measured.rss)}{mark}"


def _or_dash(amount: int | None) -> str:
    return "-" if amount is None else show_bytes(amount)


def _verdict(row: Row) -> Text:
    finding = Text(row.verdict.finding, style=COLOURS[row.verdict.finding])
    return finding.append(f"\nas printed:\n{row.as_printed}", "red") if row.printed else finding


def scenario_svg(row: Row) -> str:
    """Draw the naive and the streaming variant of a scenario, with their points at its size."""
    scenario = row.scenario
    lesson = pattern(scenario.pattern)
    traces = [_scenario_trace(row, lesson, measured) for measured in (row.naive, row.streaming)]
    said = "; ".join(
        f"{'the naive' if measured is row.naive else 'the streaming'} variant "
        f"{measured.variant} peaks at {_or_dash(measured.heap)}"
        f"{' (extrapolated)' if measured.extrapolated else ''}"
        for measured in (row.naive, row.streaming)
    )
    description = (
        f"Peak heap against {scenario.axis}, both axes logarithmic. At {scenario.amount}, {said}."
    )
    return draw(scenario.title, description, traces, scenario.axis)


def series_svg(row: Row) -> str | None:
    """Draw the heap of both variants against time; None where they were over too soon."""
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


def _scenario_trace(row: Row, lesson: Pattern, measured: Measured) -> Trace:
    curve = row.curves[measured.variant, row.scenario.axis]
    return Trace(
        _label(lesson, measured),
        lesson[measured.variant].role,
        list(zip(*curve.seen(), strict=True)),
        None if measured.heap is None else (row.scenario.size, measured.heap),
        measured.extrapolated,
    )


def _label(lesson: Pattern, measured: Measured) -> str:
    return f"{lesson[measured.variant].role}: {measured.variant}"
