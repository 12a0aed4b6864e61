"""The exercise in a notebook: check it, get a hint, see the solution."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.course.card import Card
from lab.course.desk import told
from lab.course.lesson import Lesson
from lab.course.progress import Progress
from lab.errors import LabError


def _newest() -> float:
    """Return when a file of the course was last changed, in seconds since the epoch."""
    return max(path.stat().st_mtime for path in Path(__file__).parent.rglob("*.py"))


_AT_START = _newest()


class ExerciseDesk:
    """What a notebook knows as ``exercise``."""

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        self._lesson = lesson
        self._progress = progress

    @told
    def check(self, answer: str | None = None) -> Card:
        """Grade the cell that defines the exercise's function, as it was last run.

        It is run again in a process of its own, by itself, so it has to import what it needs.

        Args:
            answer: The text of a cell to grade instead.
        """
        from lab.course.grading import grade

        _check_current()
        source = answer if answer is not None else _last_run(self._lesson.exercise.function)
        found = grade(self._lesson, source)
        if found.outcome != "not attempted":
            self._keep(found.outcome)
        return found.card(f"{self._lesson.exercise.item}s")

    @told
    def hint(self) -> Card:
        """Show the next hint; after the last one, all of them."""
        hints = self._lesson.exercise.hints
        seen = int(self._progress.get("hints") or 0)
        self._progress.keep("hints", min(seen + 1, len(hints)))
        if seen >= len(hints):
            every = "\n".join(f"{number}. {hint}" for number, hint in enumerate(hints, 1))
            return Card("That was the last hint; exercise.solution() shows an answer.", code=every)
        return Card(f"Hint {seen + 1} of {len(hints)}: {hints[seen]}")

    @told
    def solution(self) -> Card:
        """Show a right answer."""
        self._progress.keep_first("saw solution", True)
        return Card("One right answer, of many:", code=self._lesson.solution)

    def _keep(self, outcome: str) -> None:
        before = self._progress.get("exercise") or {}
        tries = int(before.get("tries", 0)) + 1
        passed = before.get("outcome") == "passed"
        self._progress.keep(
            "exercise", {"outcome": "passed" if passed else outcome, "tries": tries}
        )


def _last_run(function: str) -> str:
    """Return the text of the cell that was last run and that defines a function.

    It may have failed when it was run, so what the kernel holds could be an older one.
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
        raise LabError("outside of a notebook, give the text of the answer: check(text).")
    history = shell.history_manager
    return list(map(_as_written, history.input_hist_raw, history.input_hist_parsed))


def _as_written(raw: str, parsed: str) -> str:
    """Choose a cell's text with its own line numbers, or, if it has magics, what they became."""
    try:
        compile(raw, "cell", "exec", dont_inherit=True)
    except SyntaxError:
        with suppress(SyntaxError):
            compile(parsed, "cell", "exec", dont_inherit=True)
            return parsed
    return raw


def _check_current() -> None:
    """Check that the kernel runs the lab that is on the disk.

    Raises:
        LabError: It was started before the lab was changed.
    """
    if _newest() != _AT_START:
        raise LabError(
            "this kernel is older than the lab it is using: choose Kernel > Restart Kernel, and "
            "run the notebook from its top."
        )
