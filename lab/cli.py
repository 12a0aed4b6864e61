"""The `lab` command: registers every command and turns errors into exit codes.

The commands import heavy modules in their bodies, so that `lab --help` is fast.
"""

import os
import signal
import sys
import traceback
from typing import Annotated, NoReturn, TextIO, cast

import typer

from lab.commands.check import check
from lab.commands.course import course
from lab.commands.data import data
from lab.commands.doctor import doctor
from lab.commands.load import load
from lab.commands.measure import measure
from lab.commands.patterns import curve, list_, show
from lab.commands.serve import serve
from lab.commands.shared_options import GroupedCommand
from lab.commands.table import table
from lab.commands.traps import traps
from lab.errors import LabError
from lab.report.output import Output

_INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as in shells."""
_BROKEN_PIPE = 141
"""Exit code, without a verdict, when the reader of the output has closed it: 128 + SIGPIPE."""

_EXTRAS = {
    "matplotlib": "plots",
    "jinja2": "plots",
    "adbc_driver_manager": "arrow",
    "adbc_driver_postgresql": "arrow",
    "pyarrow": "arrow",
    "a2wsgi": "http",
    "uvicorn": "http",
}
"""The extra that installs a missing module; modules not named here belong to ``patterns``."""

app = typer.Typer(
    name="lab",
    help="Test claims about peak memory by measurement.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def lab(
    debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks of errors.")] = False,
) -> None:
    """Handle the options that apply to every command."""
    if debug:
        os.environ["MEMORY_LAB_DEBUG"] = "1"


app.add_typer(data, name="data")
app.add_typer(course, name="course")
for function, example in (
    (table, "lab table --quick"),
    (list_, "lab list"),
    (show, "lab show rows yield_per"),
    (curve, "lab curve rows load_all yield_per --plot rows.svg"),
    (measure, 'lab measure json:dumps --sizes 100000..1600000 --claim "O(1)"'),
    (check, "lab check --junit memory.xml"),
    (serve, "lab serve --port 8000"),
    (load, "lab load --users 1..64 --cap 256MiB"),
    (traps, "lab traps expiring-discards-edits"),
    (doctor, "lab doctor"),
):
    name = function.__name__.rstrip("_")
    app.command(name, cls=GroupedCommand, epilog=f"Example: {example}")(function)


def main() -> NoReturn:
    """Run the command; print an error as one sentence, and exit with its code."""
    # SIGTERM must end the child processes as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    out = Output(sys.stdout)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, Output(sys.stderr))
    told = ""
    try:
        if sys.flags.optimize > 1:
            raise LabError(
                "python -OO removes the docstrings, which the lab prints: use -O, or set "
                "PYTHONOPTIMIZE to 1 or nothing."
            )
        code = app(standalone_mode=False)
    except LabError as error:
        code, told = _print_error(error), str(error)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        code = _print_unexpected(error)
    out.flush()
    if out.problem not in ("", told):
        print(f"lab: {out.problem}", file=sys.stderr)
    if code == _INTERRUPTED:
        print("lab: stopped.", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else _without_verdict(out))


def _without_verdict(out: Output) -> int:
    """Return the exit code of a command whose only result is its output."""
    if out.error is None:
        return 0
    return 2 if out.problem else _BROKEN_PIPE


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _print_error(error: LabError) -> int:
    _show_traceback(error)
    print(f"lab: {error}", file=sys.stderr)
    if error.details:
        print(error.details, file=sys.stderr)
    return error.exit_code


def _print_unexpected(error: Exception) -> int:
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of typer
        error.show()
        return int(error.exit_code)
    _show_traceback(error)
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if missing:
        extra = _EXTRAS.get(missing, "patterns")
        print(f"lab: {missing} is missing: pip install 'memory-lab[{extra}]'.", file=sys.stderr)
    else:
        name = type(error).__name__
        print(f"lab: {name}: {error} (lab --debug prints the traceback)", file=sys.stderr)
    return 2


def _show_traceback(error: Exception) -> None:
    if os.environ.get("MEMORY_LAB_DEBUG"):
        traceback.print_exception(error)


if __name__ == "__main__":
    main()
