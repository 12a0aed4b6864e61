"""Submissions: notebooks that students have handed in, graded one after the other, unattended.

Each answer runs in fresh processes of its own, under a cap and a time-out, so that none can spoil
another's grade. That keeps mistakes apart; it is no wall against malice, since what is graded runs
under the account of whoever grades it.
"""

import csv
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.course.lessons import lesson
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.course.grade import Grade

_NUMBER = re.compile(r"""notebook\(\s*["'](\d\d)["']\s*\)""")
_FORMULA = ("=", "+", "-", "@")

COLUMNS = ("submission", "lesson", "outcome", "sentence", "peak_bytes", "seconds")


@dataclass(frozen=True)
class Graded:
    """One submission, graded.

    Attributes:
        submission: The notebook's path, below the folder that was named.
        lesson: The lesson's number; empty where the notebook does not say.
        outcome: As of a grade, or ``unreadable``.
        sentence: What was seen.
        code: The line that failed.
        yours: Sizes and peaks in bytes of the answer; those of the solution are ``reference``.
        reference: Likewise.
        seconds: That it took to grade.
    """

    submission: str
    lesson: str
    outcome: str
    sentence: str
    code: str = ""
    yours: tuple[tuple[int, int], ...] = ()
    reference: tuple[tuple[int, int], ...] = ()
    seconds: float = 0.0

    @property
    def row(self) -> dict[str, Any]:
        """What a table shows of it."""
        peak = max((peak for _, peak in self.yours), default="")
        shown = {**asdict(self), "peak_bytes": peak, "seconds": round(self.seconds, 1)}
        return {name: _harmless(shown[name]) for name in COLUMNS}


def found(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """List the notebooks of files and folders, each with the name to show for it.

    Raises:
        LabError: A path does not exist, or there is no notebook.
    """
    listed: list[tuple[str, Path]] = []
    for path in paths:
        if not path.exists():
            raise LabError(f"there is no {path}: name notebooks, or folders of them.")
        if path.is_dir():
            inside = sorted(path.rglob("*.ipynb"))
            visible = (p for p in inside if not any(s.startswith(".") for s in p.parts))
            listed += [(str(one.relative_to(path)), one) for one in visible]
        else:
            listed.append((path.name, path))
    if not listed:
        raise LabError("there is no notebook to grade: name notebooks, or folders of them.")
    return listed


def grade_all(listed: Iterable[tuple[str, Path]]) -> Iterator[Graded]:
    """Grade notebooks in turn; one that cannot be read says so, and the others are graded.

    Raises:
        LabError: This machine cannot grade at all: no database, no caps.
    """
    from lab.course.grading import grade

    for name, path in listed:
        began = time.perf_counter()
        try:
            number, source = read(path)
            wanted = lesson(number)
        except LabError as error:
            yield Graded(name, "", "unreadable", str(error))
            continue
        seen: Grade = grade(wanted, source)
        yield Graded(
            name,
            number,
            seen.outcome,
            seen.sentence,
            seen.code,
            seen.yours,
            seen.reference,
            time.perf_counter() - began,
        )


def read(path: Path) -> tuple[str, str]:
    """Return the number of a notebook's lesson, and the text of its exercise cell.

    The text is empty where there is no such cell.

    Raises:
        LabError: It is no notebook, or of no lesson.
    """
    import nbformat

    try:
        notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:  # whatever a stranger's file may hold
        raise LabError(f"it is no notebook that can be read ({type(error).__name__}).") from None
    called = (_NUMBER.search(cell.source) for cell in cells)
    number = next((match[1] for match in called if match), None)
    if number is None:
        raise LabError('it is of no lesson: its first cell should call notebook("03"), say.')
    return number, _exercise(cells, lesson(number).exercise.function)


def _exercise(cells: list[Any], function: str) -> str:
    """Return the last cell that is marked as the exercise, or else the last that defines it."""
    marked = [cell for cell in cells if "exercise" in cell.metadata.get("tags", ())]
    defines = re.compile(rf"^\s*(async\s+)?def\s+{function}\b", re.MULTILINE)
    chosen = marked or [cell for cell in cells if defines.search(cell.source)]
    return str(chosen[-1].source) if chosen else ""


class Sheet:
    """A CSV that has a row as soon as it is known, so that nothing is lost when grading is stopped.

    Args:
        path: Where to write it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()

    def add(self, one: Graded) -> None:
        """Write a row."""
        self._writer.writerow(one.row)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _harmless(cell: Any) -> Any:
    """Let no spreadsheet take a student's text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
