"""Runs a student's cell on new data, in the child process of a graded run."""

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
from lab.measure.memory_cap import MEMORY_ERRORS, memory_error
from lab.outcome import Outcome
from lab.system.linux import adopt_orphans

CELL = "<your cell>"
"""The file name under which a student's code is compiled."""

_COURSE = str(Path(__file__).parents[1])
_FORBIDDEN = ("lab.course", "lab.patterns", "lab.traps")
_guarded: list[bool] = []


@contextmanager
def open_answer(
    number: str, source: str, size: int, salt: int, show: bool = False
) -> Iterator[Callable[[], Outcome]]:
    """Run a cell, and yield a call that runs its function on inputs and drains the result.

    Args:
        number: The lesson's number.
        source: The text of the cell.
        size: Size of the inputs.
        salt: Seed of the inputs.
        show: Whether the outcome's digest is the first items of the answer, as JSON.
    """
    exercise = lesson(number).exercise
    with exercise.open_inputs(size, salt) as inputs:
        arguments = inputs if isinstance(inputs, tuple) else (inputs,)
        _guard()
        with _errors_with_line(source):
            function = _defined(source, exercise.function)

        def run() -> Outcome:
            with _errors_with_line(source):
                outcome = exercise.drain(exercise.call(function, arguments), show)
                if MEMORY_ERRORS.first is not None:
                    raise MEMORY_ERRORS.first
                return outcome

        yield run


def _defined(source: str, name: str) -> Callable[..., Any]:
    module: dict[str, Any] = {"__name__": "answer"}
    exec(compile(source, CELL, "exec"), module)  # noqa: S102 - the student's code is the input
    return module[name]  # type: ignore[no-any-return]


@contextmanager
def _errors_with_line(source: str) -> Iterator[None]:
    """Turn an error into a LabError that names the line of the cell, unless memory ran out."""
    try:
        yield
    except BaseException as error:
        if memory_error(error):
            raise
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == CELL]
        message = f"{type(error).__name__}: {error}".removesuffix(": ").splitlines()[0]
        if isinstance(error, LabError):
            message = str(error)
        if not frames:
            raise LabError(message) from error
        number = frames[-1].lineno or 1
        line = f"{number:>4}  {source.splitlines()[number - 1]}"
        raise LabError(f"line {number} of your cell: {message}", line) from error


def _guard() -> None:
    """From now on, refuse to import or read solutions and the lab's variants."""
    if _guarded:
        return
    _guarded.append(True)
    adopt_orphans()
    # A thread that runs out of memory ends silently, and the answer would continue without it.
    threading.excepthook = lambda failed: MEMORY_ERRORS.note(failed.exc_value or failed.exc_type())

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import" and str(arguments[0]).startswith(_FORBIDDEN):
            raise ImportError("an answer cannot import the lab's own answers: write your own")
        path = arguments[0] if event == "open" else None
        if isinstance(path, str | os.PathLike) and os.path.realpath(path).startswith(_COURSE):
            raise PermissionError("an answer cannot read the course's own files: write your own")

    sys.addaudithook(refuse)


def attempted(source: str, name: str) -> bool:
    """Return whether a cell defines a function whose body is more than a placeholder.

    Raises:
        SyntaxError: The cell is not valid Python.
    """
    for node in ast.walk(ast.parse(source, CELL)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return any(not _placeholder(statement) for statement in node.body)
        if isinstance(node, ast.Assign | ast.ImportFrom) and name in _names_bound(node):
            return True
    return False


def _placeholder(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _names_bound(node: ast.Assign | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {alias.asname or alias.name for alias in node.names}
