"""The inside of a check: a student's cell, run in a fresh process on data that it has not seen."""

import ast
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.course.lessons import lesson
from lab.errors import LabError
from lab.linux import adopt_orphans
from lab.measure.cap import SHORTAGES, shortage
from lab.pattern import Outcome

CELL = "<your cell>"
"""The file name under which a student's code is compiled."""

_HERE = str(Path(__file__).parent)
_ANSWERS = ("lab.course", "lab.patterns", "lab.traps")
_guarded: list[bool] = []


@contextmanager
def open_answer(
    number: str, source: str, size: int, salt: int, show: bool = False
) -> Iterator[Callable[[], Outcome]]:
    """Run a cell, and yield a call that gives its function a world and drains what it returns.

    Args:
        number: Of the lesson.
        source: The cell.
        size: Of the world.
        salt: What the world's data is made from.
        show: The outcome's digest is the answer's first items, as JSON.
    """
    exercise = lesson(number).exercise
    with exercise.world(size, salt) as given:
        arguments = given if isinstance(given, tuple) else (given,)
        _guard()
        with _explained(source):
            function = _defined(source, exercise.function)

        def run() -> Outcome:
            with _explained(source):
                outcome = exercise.drain(exercise.call(function, arguments), show)
                if SHORTAGES.first is not None:
                    raise SHORTAGES.first
                return outcome

        yield run


def _defined(source: str, name: str) -> Callable[..., Any]:
    module: dict[str, Any] = {"__name__": "answer"}
    exec(compile(source, CELL, "exec"), module)  # noqa: S102 - running it is what was asked for
    return module[name]  # type: ignore[no-any-return]


@contextmanager
def _explained(source: str) -> Iterator[None]:
    """Say which line of the cell an error comes from; of a lack of memory it is the cause."""
    try:
        yield
    except BaseException as error:
        if shortage(error):
            raise
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == CELL]
        what = f"{type(error).__name__}: {error}".removesuffix(": ").splitlines()[0]
        if isinstance(error, LabError):
            what = str(error)
        if not frames:
            raise LabError(what) from error
        line = frames[-1].lineno or 1
        shown = f"{line:>4}  {source.splitlines()[line - 1]}"
        raise LabError(f"line {line} of your cell: {what}", shown) from error


def _guard() -> None:
    """Keep solutions, and the lab's own variants, from what is run from now on."""
    if _guarded:
        return
    _guarded.append(True)
    adopt_orphans()
    # A thread that memory is refused to ends without a word, and the answer goes on without it.
    threading.excepthook = lambda failed: SHORTAGES.note(failed.exc_value or failed.exc_type())

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import" and str(arguments[0]).startswith(_ANSWERS):
            raise ImportError("an answer cannot use the lab's own answers: write one")
        opened = arguments[0] if event == "open" else None
        if isinstance(opened, str | os.PathLike) and os.path.realpath(opened).startswith(_HERE):
            raise PermissionError("an answer cannot read the course's own files")

    sys.addaudithook(look)


def attempted(source: str, name: str) -> bool:
    """Tell whether a cell defines a function that does more than stand there.

    Raises:
        SyntaxError: The cell is no Python.
    """
    for node in ast.walk(ast.parse(source, CELL)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return any(not _idle(statement) for statement in node.body)
        if isinstance(node, ast.Assign | ast.ImportFrom) and name in _bound(node):
            return True
    return False


def _idle(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _bound(node: ast.Assign | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {alias.asname or alias.name for alias in node.names}
