"""The command `lab course`: shows progress, resets it, and grades submitted notebooks."""

from contextlib import closing, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands.shared_options import writable_file
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.course.submissions import GradedNotebook

course = typer.Typer(
    help="Show a student's progress; grade notebooks that were handed in.",
    invoke_without_command=True,
)


@course.callback(epilog="Example: lab course grade submissions --csv grades.csv")
def progress(context: typer.Context) -> None:
    """Show a student's progress; grade notebooks that were handed in."""
    if find_spec("lab.course") is None:
        raise LabError(
            "the course is not installed: it is in a clone of memory-lab, with its notebooks; "
            "run `.venv/bin/lab course` there."
        )
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
    screen.print(f"Saved in {folder()}.", soft_wrap=True)


@course.command(epilog="Example: lab course reset 03")
def reset(
    number: Annotated[
        str | None, typer.Argument(help="Notebook to reset; without it, all of them.")
    ] = None,
) -> None:
    """Delete predictions, measurements and grades."""
    from lab.course.lessons import lesson
    from lab.course.progress import reset as delete
    from lab.report.terminal import console

    if number is not None:
        lesson(number)
    delete(number)
    console().print(f"Deleted the progress of {number or 'all notebooks'}.")


@course.command(epilog="Example: lab course grade submissions --csv grades.csv")
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, or folders of notebooks.")],
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", callback=writable_file, metavar="FILE", help="Write a row for each notebook."
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", callback=writable_file, metavar="FILE", help="Write the grades and curves."
        ),
    ] = None,
) -> None:
    """Grade submitted notebooks, one after the other.

    Their code runs under your account, in separate processes, under a cap and a time-out.
    The exit code is 0 if every notebook was graded, whatever the grades are.
    """
    from lab.course.submissions import GradesCsv, grade_all, notebooks_in
    from lab.report.terminal import console

    notebooks = notebooks_in(paths)
    screen = console()
    grades: list[GradedNotebook] = []
    try:
        with closing(GradesCsv(csv_file)) if csv_file else nullcontext() as rows:
            for graded in grade_all(notebooks):
                grades.append(graded)
                line = f"{graded.submission}: {graded.outcome}: {graded.sentence}"
                screen.print(line, soft_wrap=True)
                if rows is not None:
                    rows.add(graded)
    finally:
        if json_file is not None:
            _write(grades, json_file)
    passed = sum(graded.outcome == "passed" for graded in grades)
    screen.print(f"{passed} of {len(grades)} passed.")


def _write(grades: "list[GradedNotebook]", path: Path) -> None:
    from dataclasses import asdict

    from lab.measure.environment import environment
    from lab.report.files import write_json

    document = {"environment": environment(), "graded": [asdict(graded) for graded in grades]}
    write_json(path, document)
