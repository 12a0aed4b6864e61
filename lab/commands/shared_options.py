"""Options shared by several commands, and the objects that they select."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from rich.console import Console

    from lab.measure.schedule import Schedule
    from lab.report.terminal import Steps

RUN, OUTPUT = "Execution", "Output"
"""Panels of the help text that group these options."""

Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes side by side; default: the number of cores.",
        rich_help_panel=RUN,
    ),
]
Timeout = Annotated[
    float, typer.Option(min=0.1, help="Seconds for each point.", rich_help_panel=RUN)
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Measure on the workers of this Dask scheduler: tcp://HOST:PORT.",
        rich_help_panel=RUN,
    ),
]


def writable_file(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before anything is measured."""
    if path is not None and str(path) != "-":
        from lab.report.files import require_writable

        require_writable(path)
    return path


def writable_plot(path: Path | None) -> Path | None:
    """Refuse a plot that cannot be drawn or written, before anything is measured."""
    if path is not None:
        from lab.report.plot import require_matplotlib

        require_matplotlib()
    return writable_file(path)


def writable_folder(path: Path) -> Path:
    """Refuse a folder in which no file can be written, before anything is measured."""
    from lab.report.files import require_writable

    require_writable(path, folder=True)
    return path


JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        callback=writable_file,
        metavar="FILE",
        help="Write JSON to this file; - for the terminal.",
        rich_help_panel=OUTPUT,
    ),
]
Curves = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        envvar="MEMORY_LAB_CURVES",
        help="Keep readings of the lab's variants there, and use those of the same code.",
        rich_help_panel=RUN,
    ),
]
PlotFile = Annotated[
    Path | None,
    typer.Option(
        callback=writable_plot,
        metavar="FILE.svg",
        help="Draw the curves into this file.",
        rich_help_panel=OUTPUT,
    ),
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME=VALUE",
        help="Environment variable; set before your code is imported.",
    ),
]
Sizes = Annotated[
    str | None, typer.Option(help="8000..128000 doubles; 10,20,40 is a list.", show_default=False)
]


class GroupedCommand(TyperCommand):
    """A command whose help lists its options by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options without a panel, then those of each panel."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            plain = "Arguments" if param.param_type_name == "argument" else "Options"
            name = getattr(param, "rich_help_panel", None) or plain
            groups.setdefault(name, []).append(record)
        first = [name for name in ("Arguments", "Options") if name in groups]
        for name in [*first, *(name for name in groups if name not in first)]:
            with formatter.section(name):
                formatter.write_dl(groups[name])


def schedule_for(
    jobs: int | None,
    timeout: float,
    steps: "Steps",
    max_memory: int | None = None,
    executor: "Executor | None" = None,
    store: Path | None = None,
) -> "Schedule":
    """Return the schedule that the options select; each reading advances the progress bar.

    Raises:
        LabError: ``--jobs`` was given together with ``--dask``.
    """
    from lab.measure.environment import usable_cores
    from lab.measure.reading_store import ReadingStore
    from lab.measure.schedule import Schedule

    if jobs is not None and executor is not None:
        raise LabError("with --dask the number of workers sets the parallelism: leave out --jobs.")
    return Schedule(
        jobs or usable_cores(),
        timeout,
        max_memory,
        steps.advance,
        executor=executor,
        store=ReadingStore(store) if store else None,
    )


def executor_on(dask: str | None) -> "AbstractContextManager[Executor | None]":
    """Return a context manager that yields the executor of a Dask scheduler, or None."""
    from contextlib import nullcontext

    from lab.measure.remote.dask import dask_executor

    return nullcontext() if dask is None else dask_executor(dask)


def print_left_out(screen: "Console", sentences: "Iterable[str]") -> None:
    """Print one line for each variant that cannot run here."""
    for sentence in sentences:
        screen.print(f"Left out: {sentence}", soft_wrap=True)


def end(exit_code: int) -> NoReturn:
    """End the command with the exit code of its result, also if its output is lost."""
    raise typer.Exit(exit_code)
