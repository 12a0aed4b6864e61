"""The measured table in the terminal and in files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from lab.report.files import write_json, write_text
from lab.report.terminal import COLOURS, WIDTH, or_dash
from lab.table.json import table_json
from lab.table.plot import scenario_svg
from lab.table.results import Row, TableResult, Timings, VariantFigures
from lab.units import show_seconds


def write_table(table: TableResult, folder: Path) -> Path:
    """Write JSON, an SVG for each scenario and an HTML page; return the path of the page."""
    from lab.table.page import page

    write_json(folder / "table.json", table_json(table))
    pictures = {row.scenario.name: scenario_svg(row) for row in table.rows}
    for name, svg in pictures.items():
        write_text(folder / f"{name}.svg", svg)
    write_text(folder / "index.html", page(table, pictures))
    return folder / "index.html"


def print_table(to: Console, table: TableResult) -> None:
    """Print the table with its figures, then a sentence for each verdict."""
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
    """Yield sentences for each row: its verdict, the printed code, missing figures."""
    for number, row in enumerate(rows, 1):
        yield f"{number} {row.verdict.finding}: {row.verdict.reason}."
        if row.printed is not None:
            yield f"  In the lesson's printed code ({row.printed.name}): {row.printed.because}"
        if row.printed_verdict is not None:
            yield f"  Its claim is {row.printed_verdict.finding}: {row.printed_verdict.reason}."
        for measured in (row.naive, row.streaming):
            if measured.error:
                yield f"  No figure: {measured.error}."
        if row.naive.extrapolated:
            yield "  The naive figures are extrapolated from the slope at smaller sizes."


def print_timings(to: Console, timings: Timings) -> None:
    """Print the seconds of each phase, and the overhead of the harness."""
    phases = (timings.data, timings.curves, timings.scenarios)
    names = ("data", "curves", "scenarios")
    times = ", ".join(f"{n} {show_seconds(s)}" for n, s in zip(names, phases, strict=True))
    to.print(f"Took {show_seconds(sum(phases))}: {times}.")
    to.print(
        f"The harness added {show_seconds(median(timings.overheads))} to a point (median), "
        f"{show_seconds(max(timings.overheads))} at most, over {len(timings.overheads)} processes."
    )


def _figures(measured: VariantFigures) -> str:
    mark = "\nextrapolated" if measured.extrapolated else ""
    return f"{or_dash(measured.heap)} /\n{or_dash(measured.rss)}{mark}"


def _verdict(row: Row) -> Text:
    finding = Text(row.verdict.finding, style=COLOURS[row.verdict.finding])
    return finding.append(f"\nas printed:\n{row.as_printed}", "red") if row.printed else finding
