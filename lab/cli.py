"""The `lab` command: thin; every command calls one function of the package.

Heavy modules are imported inside the commands, so that `lab --help` answers at once.
"""

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lab.course.command import course
from lab.errors import LabError
from lab.load.command import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from rich.console import Console

    from lab.measure.endpoint import Body
    from lab.measure.sweep import Schedule
    from lab.pattern import Role
    from lab.report.terminal import Steps

_STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
_BROKEN_PIPE = 141
"""Exit code when nobody reads on, likewise."""

_EXTRAS = {
    "matplotlib": "plots",
    "jinja2": "plots",
    "adbc_driver_manager": "arrow",
    "adbc_driver_postgresql": "arrow",
    "pyarrow": "arrow",
}
"""The extra that brings a missing module; all others come with ``patterns``."""

app = typer.Typer(
    name="lab",
    help="Measure what a claim about memory is worth.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
data = typer.Typer(help="Build, show or remove the lessons' data.", no_args_is_help=True)
app.add_typer(data, name="data")
app.add_typer(course, name="course")

Jobs = Annotated[
    int | None, typer.Option(min=1, help="Processes side by side; as many as there are cores.")
]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds for a point.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write JSON there; - for the terminal."),
]
Dask = Annotated[
    str | None,
    typer.Option("--dask", metavar="ADDRESS", help="Measure on its workers: tcp://HOST:PORT."),
]
PlotFile = Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw the curves there.")]
Sizes = Annotated[
    str | None, typer.Option(help="8000..128000 doubles; 10,20,40 lists.", show_default=False)
]


@app.callback()
def lab(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Take the options that hold for every command."""
    if debug:
        os.environ["MEMORY_LAB_DEBUG"] = "1"


@app.command(epilog="Example: lab table --quick")
def table(
    quick: Annotated[bool, typer.Option(help="A tenth of the lesson's sizes.")] = False,
    jobs: Jobs = None,
    max_memory: Annotated[
        str | None,
        typer.Option(help="Extrapolate what would need more, e.g. 4GB; half of what is free."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for JSON, SVG and HTML.")] = Path("build/table"),
    timings: Annotated[bool, typer.Option(help="Say where the time went.")] = False,
    timeout: Timeout = 600.0,
) -> None:
    """Measure the lesson's table, with verdicts.

    Exits with 0 when it could be measured, whatever the verdicts are.
    """
    from lab.report.table import print_table, print_timings, write_table
    from lab.report.terminal import console, progress
    from lab.survey import measure_table
    from lab.units import parse_bytes

    screen = console()
    most = parse_bytes(max_memory) if max_memory else _free_memory() // 2
    with progress(screen) as steps:
        _build_data(steps)
        schedule = _schedule(jobs, timeout, steps, most)
        found = measure_table(quick=quick, schedule=schedule, announce=steps.begin)
    print_table(screen, found)
    _print_left_out(screen, found.left_out)
    written = write_table(found, out)
    screen.print(f"Written: {written}")
    if timings:
        print_timings(screen, found.timings)


@app.command("list", epilog="Example: lab list")
def list_() -> None:
    """List the patterns and their variants."""
    from lab.patterns import PATTERNS
    from lab.report.terminal import console, print_patterns

    print_patterns(console(), PATTERNS)


@app.command(epilog="Example: lab show rows yield_per")
def show(
    pattern: Annotated[str, typer.Argument(help="A name from `lab list`.")],
    variant: Annotated[str | None, typer.Argument(help="Only this variant.")] = None,
) -> None:
    """Show a pattern's claims and source."""
    from lab.compare import ready
    from lab.patterns import pattern as find
    from lab.report.terminal import console, print_source

    found = find(pattern)
    shown = [found[variant]] if variant else found.variants
    screen = console()
    print_source(screen, found, shown)
    _, left_out = ready(found, shown)
    for sentence in left_out:
        screen.print(f"\n{sentence}", soft_wrap=True)


@app.command(epilog="Example: lab curve rows load_all yield_per --plot rows.svg")
def curve(
    pattern: Annotated[str, typer.Argument(help="A name from `lab list`.")],
    variants: Annotated[list[str] | None, typer.Argument(help="All, if none is named.")] = None,
    axis: Annotated[str | None, typer.Option(help="The pattern's first, if not given.")] = None,
    sizes: Sizes = None,
    plot: PlotFile = None,
    json_file: JsonFile = None,
    jobs: Jobs = None,
    dask: Dask = None,
    timeout: Timeout = 600.0,
) -> None:
    """Measure a pattern along one axis.

    Each variant gets its heap, RSS and time, and a verdict on its claim. Exits with 0 when all
    claims are kept, 1 when one is broken, 3 when a curve cannot tell.
    """
    from lab.compare import ready, sweep_variants
    from lab.patterns import pattern as find
    from lab.report.curves import report_curves
    from lab.report.terminal import console, progress
    from lab.units import parse_sizes

    found = find(pattern)
    axis = axis or next(iter(found.axes))
    screen = console(stderr=str(json_file) == "-")
    if variants:
        chosen = [found[name] for name in variants]
    else:
        chosen, left_out = ready(found, found.along(axis))
        if not chosen:
            raise LabError("; ".join(left_out))
        _print_left_out(screen, left_out)
    swept = parse_sizes(sizes) if sizes else None
    with _executor(dask) as executor, progress(screen) as steps:
        curves = sweep_variants(
            found,
            chosen,
            axis,
            sizes=swept,
            witnesses=("heap", "rss", "seconds"),
            schedule=_schedule(jobs, timeout, steps, executor=executor),
            announce=steps.begin,
        )
    claims = {variant.name: variant.peak for variant in chosen}
    roles = {variant.name: variant.role for variant in chosen}
    _end(report_curves(screen, found.name, curves, claims, roles, plot, json_file))


@app.command(epilog='Example: lab measure json:dumps --sizes 100000..1600000 --claim "O(1)"')
def measure(
    target: Annotated[
        str, typer.Argument(help='package.module:function, or "METHOD /path?rows={n}" with --app.')
    ],
    claim: Annotated[str | None, typer.Option(help='What to test: "O(1)", "O(n)".')] = None,
    cap: Annotated[
        str | None, typer.Option(help="Or: whether it survives with so much memory, e.g. 64MiB.")
    ] = None,
    sizes: Sizes = "8000..128000",
    setup: Annotated[
        str | None,
        typer.Option(help="package.module:context_manager; takes the size, yields the argument."),
    ] = None,
    axis: Annotated[
        str, typer.Option(help="What the size counts: n, rows, bytes, keys, clients.")
    ] = "n",
    served: Annotated[
        str | None, typer.Option("--app", help="package.module:app that answers the request.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help='Sent with the request: "NAME: VALUE".')
    ] = None,
    body_rows: Annotated[
        bool, typer.Option("--body-rows", help="Upload a CSV of users of so many rows.")
    ] = False,
    body_bytes: Annotated[
        bool, typer.Option("--body-bytes", help="Upload a CSV of users of so many bytes.")
    ] = False,
    body_field: Annotated[str, typer.Option(help="The upload's form field.")] = "file",
    clients: Annotated[int, typer.Option(min=1, help="Clients that send the request at once.")] = 1,
    plot: PlotFile = None,
    json_file: JsonFile = None,
    jobs: Jobs = None,
    dask: Dask = None,
    timeout: Timeout = 600.0,
) -> None:
    """Measure a function of yours, or an endpoint, against a claim, or under a cap.

    An endpoint is answered by a fresh server for each point; the clients are another process.
    Exits with 0 when the claim is kept, 1 when it is broken, 3 when the curve cannot tell; under a
    cap with 0 when every size finished, otherwise with 1.
    """
    from lab.measure.endpoint import Endpoint
    from lab.measure.sweep import sweep
    from lab.measure.workload import Function, Subject
    from lab.pattern import O
    from lab.report.curves import report_curves, report_survival
    from lab.report.terminal import console, progress
    from lab.units import parse_bytes, parse_sizes

    if (claim is None) == (cap is None):
        raise LabError('say what to test: either a claim, as --claim "O(1)", or a --cap.')
    held = O.parse(claim) if claim else O(1)
    most = parse_bytes(cap) if cap else 0
    swept = parse_sizes(sizes or "8000..128000")
    screen = console(stderr=str(json_file) == "-")
    if body_rows and body_bytes:
        raise LabError("a body is counted in rows or in bytes: give one of the two.")
    if clients > 1 and axis == "clients":
        raise LabError("along the axis clients the sizes are their number: leave out --clients.")
    if served is not None:
        if setup is not None:
            raise LabError("--setup is for functions: an application sets itself up.")
        body: Body | None = "rows" if body_rows else "bytes" if body_bytes else None
        subject: Subject = Endpoint.parse(
            target, served, header or (), body=body, field=body_field, clients=clients
        )
    elif header or body_rows or body_bytes or clients > 1:
        raise LabError("headers, bodies and clients are for a request: give its --app.")
    elif " " in target:
        raise LabError(f"{target!r} is a request: say which application answers it, by --app.")
    else:
        _check_ready(target)
        subject = Function(target, setup)
    if cap is not None:
        if plot is not None:
            raise LabError("--plot draws curves, and a run under a cap has none: leave it out.")
        if dask is not None:
            raise LabError("a run under a cap is made on this machine: leave out --dask.")
        from lab.measure.survival import survivals

        with progress(screen) as steps:
            steps.begin(target, len(swept))
            lived = survivals(subject, axis, swept, most, timeout=timeout, on_run=steps.advance)
        _end(report_survival(screen, target, axis, most, lived, json_file))
        return
    with _executor(dask) as executor, progress(screen) as steps:
        steps.begin(target, 3 * len(swept))
        found = sweep(
            subject,
            axis=axis,
            sizes=swept,
            witnesses=("heap", "rss", "seconds"),
            schedule=_schedule(jobs, timeout, steps, executor=executor),
        )
    role: Role = "naive" if held.axes else "streaming"
    _end(
        report_curves(
            screen, target, {target: found}, {target: held}, {target: role}, plot, json_file
        )
    )


@app.command(epilog="Example: lab check --junit memory.xml")
def check(
    names: Annotated[list[str] | None, typer.Argument(help="All, if none is named.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Instead of memory-budgets.toml or pyproject.toml.")
    ] = None,
    jobs: Jobs = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare with the figures in it.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write the figures of today as the baseline.")
    ] = False,
    init: Annotated[
        bool, typer.Option("--init", help="Write a first file, every key explained.")
    ] = False,
    json_file: JsonFile = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML there.")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds for a point, whatever the file says.", metavar="FLOAT"),
    ] = None,
) -> None:
    """Hold the project to its memory budgets.

    They are in memory-budgets.toml, or in the table tool.memory-lab of pyproject.toml. Exits with
    0 when all are kept, 1 when one is broken, 2 when one cannot be measured, 3 when a curve cannot
    tell.
    """
    from lab.budgets.baseline import Baselines
    from lab.budgets.check import check as check_budgets
    from lab.budgets.file import read
    from lab.budgets.first import write_first
    from lab.report.check import report_checked
    from lab.report.terminal import console, progress

    screen = console(stderr=str(json_file) == "-")
    if init and (names or update or baseline):
        raise LabError("--init writes a file and checks nothing: leave out all but --file.")
    if init:
        screen.print(f"Written: {write_first(file)}")
        return
    found = read(file)
    budgets = found.chosen(names or (), timeout)
    figures = Baselines.of(found, baseline, update=update)
    earlier = figures.earlier(budgets) if figures is not None and not update else {}
    with progress(screen) as steps:
        schedule = _schedule(jobs, timeout or 600.0, steps)
        checked = check_budgets(budgets, schedule, earlier, steps.begin, steps.advance)
    note = figures.update(checked) if figures is not None and update else ""
    _end(report_checked(screen, checked, json_file, junit, note))


@app.command(epilog="Example: lab serve --port 8000")
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    show_token: Annotated[
        bool, typer.Option("--token", help="Only print a token that the server accepts.")
    ] = False,
) -> None:
    """Serve the lesson's endpoints on 127.0.0.1, in every variant."""
    from lab.report.terminal import console, progress
    from lab.tokens import token

    if show_token:
        print(token())
        return
    from lab.data.database import database
    from lab.data.files import download_file
    from lab.data.seed import built
    from lab.load.asked import FILE
    from lab.serve import serve as run
    from lab.sockets import listening

    screen = console()
    download_file(FILE)
    with listening(port) as listener, database() as engine:
        with engine.connect() as connection:
            there = built(connection)
        if there is None:
            with progress(screen) as steps:
                _build_data(steps)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        screen.print(f"{url}/docs describes the endpoints; Ctrl-C stops the server. Try:")
        curl = f"curl -H 'Authorization: Bearer {token()}' '{url}/posts/export.csv?rows=5'"
        screen.print(curl, soft_wrap=True, highlight=False)
        run("lab.web.app:app", listener)


app.command(epilog="Example: lab load --users 1..64 --cap 256MiB")(load)


@app.command(epilog="Example: lab traps expiring-discards-edits")
def traps(
    name: Annotated[str | None, typer.Argument(help="Spring this one, and explain it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Spring every one.")] = False,
    json_file: JsonFile = None,
) -> None:
    """List what is said and is wrong when measured; spring one.

    Exits with 1 when a trap does not spring any more.
    """
    from lab.report.terminal import console, progress
    from lab.report.traps import print_sprung, print_traps, write_sprung
    from lab.traps import TRAPS, spring_all, trap

    screen = console(stderr=str(json_file) == "-")
    if (name is not None and every) or (json_file and name is None and not every):
        raise LabError("name one trap, or say --all for every one.")
    if name is None and not every:
        print_traps(screen, TRAPS)
        return
    chosen = TRAPS if every else (trap(str(name)),)
    with progress(screen) as steps:
        steps.begin("Traps", len(chosen))
        sprung = spring_all(chosen, steps.advance)
    print_sprung(screen, sprung, explain=not every)
    if json_file is not None:
        write_sprung(sprung, json_file)
    _end(0 if all(seen.holds for _, seen in sprung) else 1)


@app.command(epilog="Example: lab doctor")
def doctor() -> None:
    """Say what this machine lacks, if anything."""
    from lab.doctor import examine
    from lab.report.terminal import console, print_findings

    findings = examine()
    print_findings(console(), findings)
    if not all(finding.good for finding in findings):
        raise typer.Exit(2)


@data.command(epilog="Example: lab data build --rows 1000000")
def build(
    rows: Annotated[int, typer.Option(min=1, help="Posts.")] = 1_000_000,
    keys: Annotated[int | None, typer.Option(min=1, help="Distinct tags; 200 at first.")] = None,
    seed: Annotated[int | None, typer.Option(help="What every value is made from.")] = None,
) -> None:
    """Make the posts; what is there is added to."""
    from lab.report.terminal import console, progress

    screen = console()
    with progress(screen) as steps:
        made = _build_data(steps, rows, keys, seed)
    screen.print(f"{made.rows:,} posts with {made.keys} distinct tags, seed {made.seed}.")


@data.command(epilog="Example: lab data status")
def status() -> None:
    """Say what data there is, and where."""
    from lab.data.status import describe_data
    from lab.report.terminal import console

    screen = console()
    for line in describe_data():
        screen.print(line, soft_wrap=True)


@data.command(epilog="Example: lab data drop")
def drop() -> None:
    """Remove the lab's schema and files, and nothing else."""
    from lab.data.database import database
    from lab.data.files import drop_files
    from lab.data.seed import drop as drop_schema
    from lab.report.terminal import console

    with database() as engine:
        before = drop_schema(engine)
    removed = [f"{before.rows:,} posts"] if before else []
    if count := drop_files():
        removed.append(f"{count} files")
    said = f"Removed {' and '.join(removed)}." if removed else "There was nothing to remove."
    console().print(said)


def _build_data(
    steps: "Steps", rows: int = 1_000_000, keys: int | None = None, seed: int | None = None
) -> Any:
    from lab.data.database import database
    from lab.data.seed import build as make

    steps.begin("Posts", rows)
    with database() as engine:
        return make(engine, rows, keys, seed, progress=steps.reach)


def _schedule(
    jobs: int | None,
    timeout: float,
    steps: "Steps",
    max_memory: int | None = None,
    executor: "Executor | None" = None,
) -> "Schedule":
    from lab.measure.environment import usable_cores
    from lab.measure.sweep import Schedule

    if jobs is not None and executor is not None:
        raise LabError("on Dask as many points are out as there are workers: leave out --jobs.")
    return Schedule(jobs or usable_cores(), timeout, max_memory, steps.advance, executor=executor)


def _executor(dask: str | None) -> "AbstractContextManager[Executor | None]":
    from contextlib import nullcontext

    from lab.measure.dask import dask_executor

    return nullcontext() if dask is None else dask_executor(dask)


def _check_ready(target: str) -> None:
    """Say which extra one of the lab's own variants wants; anybody else's function is let pass."""
    module, _, name = target.partition(":")
    if not module.startswith("lab.patterns."):
        return
    from lab.patterns import PATTERNS

    for pattern in PATTERNS:
        for variant in pattern.variants:
            if (pattern.module_name, variant.name) == (module, name):
                pattern.check_ready(variant)


def _print_left_out(screen: "Console", sentences: "Iterable[str]") -> None:
    for sentence in sentences:
        screen.print(f"Left out: {sentence}", soft_wrap=True)


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _end(exit_code: int) -> None:
    if exit_code:
        raise typer.Exit(exit_code)


def main() -> NoReturn:
    """Run the command; every error is a sentence, and ends with the right exit code."""
    # A polite kill ends the children as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except LabError as error:
        code = _explain(error)
    except (KeyboardInterrupt, typer.Abort):
        code = _STOPPED
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = _BROKEN_PIPE
    except Exception as error:
        code = _unexpected(error)
    if code == _STOPPED:
        print("lab: stopped.", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _explain(error: LabError) -> int:
    _show_traceback(error)
    print(f"lab: {error}", file=sys.stderr)
    if error.details:
        print(error.details, file=sys.stderr)
    return error.exit_code


def _unexpected(error: Exception) -> int:
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # bad usage, by typer
        error.show()
        return int(error.exit_code)
    _show_traceback(error)
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if missing:
        extra = _EXTRAS.get(missing, "patterns")
        print(f"lab: {missing} is missing: pip install 'memory-lab[{extra}]'.", file=sys.stderr)
    else:
        name = type(error).__name__
        print(f"lab: {name}: {error} (lab --debug shows where)", file=sys.stderr)
    return 2


def _show_traceback(error: Exception) -> None:
    if os.environ.get("MEMORY_LAB_DEBUG"):
        traceback.print_exception(error)


if __name__ == "__main__":
    main()
