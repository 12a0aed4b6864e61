"""The calls of an exercise: grade the answer, show a hint, show the solution."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.course.cells.card import Card, as_card
from lab.course.lesson import Lesson
from lab.course.progress import Progress
from lab.errors import LabError


def _last_changed() -> float:
    """Return the latest change of the course's files, in seconds since the epoch."""
    return max(path.stat().st_mtime for path in Path(__file__).parents[1].rglob("*.py"))


_LOADED = _last_changed()


class ExerciseCalls:
    """The object that a notebook calls ``exercise``."""

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._lesson = lesson
        self._progress = progress

    @as_card
    def check(self, answer: str | None = None) -> Card:
        """Grade the last cell that was run and that defines the exercise's function.

        The cell runs alone, in a separate process, so it must import everything that it uses.

        Args:
            answer: The text of a cell to grade instead.
        """
        from lab.course.grading.grade import grade

        _require_current_kernel()
        source = answer if answer is not None else _last_run(self._lesson.exercise.function)
        result = grade(self._lesson, source)
        if result.outcome != "not attempted":
            self._save(result.outcome)
        return result.card(f"{self._lesson.exercise.item}s")

    @as_card
    def hint(self) -> Card:
        """Show the next hint; after the last hint, all of them."""
        hints = self._lesson.exercise.hints
        shown = int(self._progress.get("hints") or 0)
        self._progress.keep("hints", min(shown + 1, len(hints)))
        if shown >= len(hints):
            listed = "\n".join(f"{number}. {hint}" for number, hint in enumerate(hints, 1))
            sentence = "There are no more hints; exercise.solution() shows a right answer."
            return Card(sentence, code=listed)
        return Card(f"Hint {shown + 1} of {len(hints)}: {hints[shown]}")

    @as_card
    def solution(self) -> Card:
        """Show a right answer."""
        self._progress.keep_first("saw solution", True)
        return Card("One of many right answers:", code=self._lesson.solution)

    def _save(self, outcome: str) -> None:
        before = self._progress.get("exercise") or {}
        tries = int(before.get("tries", 0)) + 1
        passed = before.get("outcome") == "passed"
        self._progress.keep(
            "exercise", {"outcome": "passed" if passed else outcome, "tries": tries}
        )


def _last_run(function: str) -> str:
    """Return the text of the last cell that was run and that defines a function; empty for none.

    The cell may have failed, so the function in the kernel can be from an older cell.
    """
    defines = re.compile(rf"^\s*(async\s+)?(def\s+{function}\b|{function}\s*=)", re.MULTILINE)
    for cell in reversed(_cells_run()):
        if defines.search(cell):
            return cell
    return ""


def _cells_run() -> list[str]:
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        get_ipython = None  # type: ignore[assignment]
    shell: Any = get_ipython() if get_ipython is not None else None
    if shell is None:
        raise LabError("there is no notebook to read: pass the cell's text, exercise.check(text).")
    history = shell.history_manager
    return list(map(_compilable, history.input_hist_raw, history.input_hist_parsed))


def _compilable(raw: str, parsed: str) -> str:
    """Return a cell's own text, which keeps its line numbers, or, with magics, the parsed text."""
    try:
        compile(raw, "cell", "exec", dont_inherit=True)
    except SyntaxError:
        with suppress(SyntaxError):
            compile(parsed, "cell", "exec", dont_inherit=True)
            return parsed
    return raw


def _require_current_kernel() -> None:
    """Require that the course has not changed since the kernel imported it.

    Raises:
        LabError: The course has changed.
    """
    if _last_changed() != _LOADED:
        raise LabError(
            "the lab has changed since this kernel started: choose Kernel > Restart Kernel, and "
            "run all cells again."
        )
