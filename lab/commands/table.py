"""`lab table`: measure the table of the lesson."""

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.data import build_posts
from lab.commands.shared_options import (
    Curves,
    Jobs,
    Timeout,
    end,
    print_left_out,
    schedule_for,
    writable_folder,
)


def table(
    quick: Annotated[bool, typer.Option(help="Measure at a tenth of the lesson's sizes.")] = False,
    jobs: Jobs = None,
    max_memory: Annotated[
        str | None,
        typer.Option(help="Extrapolate above this, e.g. 4GB; default: half of the free memory."),
    ] = None,
    out: Annotated[
        Path, typer.Option(callback=writable_folder, help="Folder for JSON, SVG and HTML.")
    ] = Path("build/table"),
    timings: Annotated[bool, typer.Option(help="Print the time of each step.")] = False,
    timeout: Timeout = 600.0,
    curves: Curves = None,
) -> None:
    """Measure the lesson's table, with verdicts.

    Exit code: 0 when everything could be measured, whatever the verdicts are.
    """
    from lab.report.terminal import console, progress
    from lab.system.linux import free_memory
    from lab.table.measure import measure_table
    from lab.table.report import print_table, print_timings, write_table
    from lab.units import parse_bytes

    screen = console()
    limit = parse_bytes(max_memory) if max_memory else free_memory() // 2
    with progress(screen) as steps:
        build_posts(steps)
        schedule = schedule_for(jobs, timeout, steps, limit, store=curves)
        measured = measure_table(quick=quick, schedule=schedule, announce=steps.begin)
    written = write_table(measured, out)
    print_table(screen, measured)
    print_left_out(screen, measured.left_out)
    screen.print(f"Written: {written}")
    if timings:
        print_timings(screen, measured.timings)
    end(0)
