"""The command `lab course`: progress, a fresh start, and grades for a folder of notebooks."""

from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.course.submissions import Graded

course = typer.Typer(
    help="Show a student's progress; grade notebooks that were handed in.",
    invoke_without_command=True,
)


@course.callback(epilog="Example: lab course grade submissions --csv grades.csv")
def progress(context: typer.Context) -> None:
    """Show a student's progress; grade notebooks that were handed in."""
    if context.invoked_subcommand is not None:
        return
    from rich.table import Table

    from lab.course.lessons import LESSONS
    from lab.course.overview import COLUMNS, overview
    from lab.course.progress import folder
    from lab.report.terminal import console

    screen = console()
    grid = Table(*COLUMNS, pad_edge=False)
    for row in overview(LESSONS):
        grid.add_row(*row)
    screen.print(grid)
    screen.print(f"Kept in {folder()}.", soft_wrap=True)


@course.command(epilog="Example: lab course reset 03")
def reset(
    number: Annotated[str | None, typer.Argument(help="Of the notebook; all without.")] = None,
) -> None:
    """Forget what was predicted, measured and passed."""
    from lab.course.lessons import lesson
    from lab.course.progress import reset as forget
    from lab.report.terminal import console

    if number is not None:
        lesson(number)
    forget(number)
    console().print(f"Forgotten: {number or 'everything'}.")


@course.command(epilog="Example: lab course grade submissions --csv grades.csv")
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, or folders of them.")],
    sheet: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="A row for each notebook.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="The same with the curves.")
    ] = None,
) -> None:
    """Grade notebooks, one after the other.

    What they hold is run under your account, in processes of its own, under a cap and a time-out.
    Exits with 0 when all were graded, whatever the grades are.
    """
    from lab.course.submissions import Sheet, found, grade_all
    from lab.report.terminal import console

    listed = found(paths)
    screen = console()
    graded: list[Graded] = []
    try:
        with closing(Sheet(sheet)) if sheet else nullcontext() as rows:
            for one in grade_all(listed):
                graded.append(one)
                screen.print(f"{one.submission}: {one.outcome}: {one.sentence}", soft_wrap=True)
                if rows is not None:
                    rows.add(one)
    finally:
        if json_file is not None:
            _write(graded, json_file)
    passed = sum(one.outcome == "passed" for one in graded)
    screen.print(f"{passed} of {len(graded)} passed.")


def _write(graded: "list[Graded]", path: Path) -> None:
    from dataclasses import asdict

    from lab.measure.environment import environment
    from lab.report.json import write_json

    write_json(path, {"environment": environment(), "graded": [asdict(one) for one in graded]})
