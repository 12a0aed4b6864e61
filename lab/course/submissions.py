"""Grades for the notebooks that students submit, without supervision.

Each answer runs in new processes, under a cap and a time-out, so that it cannot affect another
student's grade. This protects against mistakes, not against malice: the code runs under the account
of the person who grades.
"""

import csv
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.course.lessons import lesson
from lab.errors import LabError

_NUMBER = re.compile(r"""notebook\(\s*["'](\d\d)["']\s*\)""")
_FORMULA = ("=", "+", "-", "@")

COLUMNS = ("submission", "lesson", "outcome", "sentence", "peak_bytes", "seconds")


@dataclass(frozen=True)
class GradedNotebook:
    """The grade of one submitted notebook.

    Attributes:
        submission: The notebook's path, relative to the folder that was given.
        lesson: The lesson's number; empty if the notebook is unreadable.
        outcome: As in `Grade`, or ``unreadable``.
        sentence: The reason, with figures.
        code: The line that failed.
        yours: Sizes, and the answer's peak in bytes at each.
        reference: Sizes, and the solution's peak in bytes at each.
        seconds: Time that the grading took.
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
        """Its row in the CSV file, by column."""
        peak = max((peak for _, peak in self.yours), default="")
        cells = {**asdict(self), "peak_bytes": peak, "seconds": round(self.seconds, 1)}
        return {name: _harmless(cells[name]) for name in COLUMNS}


def notebooks_in(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """List the name to show and the path of every notebook in files and folders.

    Raises:
        LabError: A path does not exist, or there is no notebook.
    """
    notebooks: list[tuple[str, Path]] = []
    for path in paths:
        if not path.exists():
            raise LabError(f"{path} does not exist: name notebooks, or folders of notebooks.")
        if path.is_dir():
            inside = sorted(path.rglob("*.ipynb"))
            visible = (p for p in inside if not any(s.startswith(".") for s in p.parts))
            notebooks += [(str(file.relative_to(path)), file) for file in visible]
        else:
            notebooks.append((path.name, path))
    if not notebooks:
        raise LabError("there is no notebook to grade: name notebooks, or folders of notebooks.")
    return notebooks


def grade_all(notebooks: Iterable[tuple[str, Path]]) -> Iterator[GradedNotebook]:
    """Yield the grade of each notebook in turn; an unreadable one does not stop the others.

    Raises:
        LabError: This machine cannot grade: no database, or no caps on this platform.
    """
    from lab.course.grading.grade import grade

    for name, path in notebooks:
        began = time.perf_counter()
        try:
            number, source = read(path)
            declared = lesson(number)
        except LabError as error:
            yield GradedNotebook(name, "", "unreadable", str(error))
            continue
        result = grade(declared, source)
        yield GradedNotebook(
            name,
            number,
            result.outcome,
            result.sentence,
            result.code,
            result.yours,
            result.reference,
            time.perf_counter() - began,
        )


def read(path: Path) -> tuple[str, str]:
    """Return the lesson number of a notebook, and the text of its exercise cell, if any.

    Raises:
        LabError: The file is not a notebook, or it names no lesson.
    """
    import nbformat

    try:
        notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:  # a submitted file can be anything
        raise LabError(
            f"it cannot be read as a notebook ({type(error).__name__}): submit it again as .ipynb."
        ) from None
    calls = (_NUMBER.search(cell.source) for cell in cells)
    number = next((match[1] for match in calls if match), None)
    if number is None:
        raise LabError('it names no lesson: its first cell must call notebook("03"), for example.')
    return number, _exercise(cells, lesson(number).exercise.function)


def _exercise(cells: list[Any], function: str) -> str:
    """Return the last cell with the tag ``exercise``, or else the last that defines a function."""
    tagged = [cell for cell in cells if "exercise" in cell.metadata.get("tags", ())]
    defines = re.compile(rf"^\s*(async\s+)?def\s+{function}\b", re.MULTILINE)
    candidates = tagged or [cell for cell in cells if defines.search(cell.source)]
    return str(candidates[-1].source) if candidates else ""


class GradesCsv:
    """A CSV file of grades. Each row is flushed, so an interrupted run keeps the rows before it.

    Args:
        path: The file to write.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()

    def add(self, graded: GradedNotebook) -> None:
        """Write a row."""
        self._writer.writerow(graded.row)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _harmless(cell: Any) -> Any:
    """Quote a text that a spreadsheet would run as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
