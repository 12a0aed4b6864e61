"""`lab check`: the memory budgets of a project."""

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.shared_options import (
    OUTPUT,
    RUN,
    Curves,
    Jobs,
    JsonFile,
    end,
    schedule_for,
    writable_file,
)
from lab.errors import LabError

_FILE, _BASELINE = "File of budgets", "Baseline"

Names = Annotated[list[str] | None, typer.Argument(help="Budgets to check; all by default.")]
File = Annotated[
    Path | None,
    typer.Option(help="Instead of memory-budgets.toml or pyproject.toml.", rich_help_panel=_FILE),
]
Init = Annotated[
    bool,
    typer.Option(
        "--init", help="Write a first file that explains every key.", rich_help_panel=_FILE
    ),
]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Compare with the figures in this file.", rich_help_panel=_BASELINE
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update", help="Write this run's figures as the baseline.", rich_help_panel=_BASELINE
    ),
]
JunitFile = Annotated[
    Path | None,
    typer.Option(
        callback=writable_file,
        metavar="FILE",
        help="Write JUnit XML to this file.",
        rich_help_panel=OUTPUT,
    ),
]
BudgetTimeout = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        metavar="FLOAT",
        help="Seconds for a point, instead of each budget's own.",
        rich_help_panel=RUN,
    ),
]


def check(
    names: Names = None,
    file: File = None,
    init: Init = False,
    baseline: BaselineFile = None,
    update: Update = False,
    jobs: Jobs = None,
    timeout: BudgetTimeout = None,
    curves: Curves = None,
    json_file: JsonFile = None,
    junit: JunitFile = None,
) -> None:
    """Check the memory budgets of a project.

    They are in memory-budgets.toml, or in the table tool.memory-lab of pyproject.toml. The exit
    code is 0 when all budgets are kept, 1 when one is broken, 2 when one cannot be measured, and 3
    when a curve is inconclusive.
    """
    from lab.budgets.baseline import Baselines
    from lab.budgets.budget_file import read
    from lab.budgets.check import check as check_budgets
    from lab.budgets.report.terminal import report_checked
    from lab.budgets.starter_file import write_first
    from lab.report.terminal import console, progress

    screen = console(stderr=str(json_file) == "-")
    if init and (names or update or baseline):
        raise LabError("--init writes a file and checks nothing: leave out all but --file.")
    if init:
        screen.print(f"Written: {write_first(file)}")
        return
    budget_file = read(file)
    budgets = budget_file.chosen(names or (), timeout)
    baselines = Baselines.of(budget_file, baseline, update=update)
    earlier = baselines.earlier(budgets) if baselines is not None and not update else {}
    with progress(screen) as steps:
        schedule = schedule_for(jobs, timeout or 600.0, steps, store=curves)
        checked = check_budgets(budgets, schedule, earlier, steps.begin, steps.advance)
    note = baselines.update(checked) if baselines is not None and update else ""
    end(report_checked(screen, checked, json_file, junit, note))
