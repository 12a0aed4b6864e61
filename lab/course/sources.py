"""The course's notebooks, made of their sources: the same text gives the same bytes.

Run as ``python -m lab.course.sources --write`` or ``--check``, in the project's folder.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from lab.course.lesson import Lesson

FOLDER = Path("notebooks")

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def sources(folder: Path) -> list[Path]:
    """Return the sources of a folder, in the order of the course.

    Raises:
        LabError: There is none.
    """
    found = sorted(folder.glob("[0-9][0-9]-*.py"))
    if not found:
        raise LabError(
            f"there is no source of a notebook in {folder}: run this in the project's folder."
        )
    return found


def read(source: Path) -> "NotebookNode":
    """Return the notebook of a source, which has not run.

    Nothing in it depends on when, where or by which version it was made: a cell's id is the
    notebook's number and the cell's place.

    Args:
        source: Python with cells after ``# %%``, as jupytext reads it.
    """
    import jupytext
    from nbformat import from_dict

    cells = jupytext.read(source, fmt="py:percent").cells
    number = source.stem.partition("-")[0]
    for place, cell in enumerate(cells, start=1):
        cell.id = f"{number}-{place:02}"
        # What else stands there is jupytext's, about the blank lines of the source.
        cell.metadata = {"tags": cell.metadata.tags} if "tags" in cell.metadata else {}
    made = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    notebook: NotebookNode = from_dict(made)  # type: ignore[no-untyped-call]
    return notebook


def written(source: Path) -> str:
    """Return the text of the notebook of a source."""
    import nbformat

    text: str = nbformat.writes(read(source))  # type: ignore[no-untyped-call]
    return text.rstrip("\n") + "\n"


def filled(notebook: "NotebookNode", lesson: "Lesson") -> "NotebookNode":
    """Return a copy of a lesson's notebook in which a student has got everything right.

    Raises:
        LabError: There is not one cell for each tag that a student's cells have.
    """
    copy = deepcopy(notebook)
    for tag, text in lesson.filled():
        cells = tagged(copy, tag)
        if len(cells) != 1:
            raise LabError(
                f"{lesson.number}-{lesson.name} has {len(cells)} cells tagged {tag}: "
                f'one is to begin with `# %% tags=["{tag}"]`.'
            )
        cells[0].source = text.strip()
    return copy


def tagged(notebook: "NotebookNode", tag: str) -> "list[NotebookNode]":
    """Return the cells of a notebook that have a tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def write(folder: Path) -> None:
    """Write the notebook of each source beside it.

    Raises:
        LabError: There is no source.
    """
    for source in sources(folder):
        source.with_suffix(".ipynb").write_text(written(source), encoding="utf-8", newline="\n")


def stale(folder: Path) -> Iterator[Path]:
    """Yield the notebooks that are not what their sources make.

    Raises:
        LabError: There is no source.
    """
    for source in sources(folder):
        notebook = source.with_suffix(".ipynb")
        if not notebook.exists() or notebook.read_bytes() != written(source).encode():
            yield notebook


def main(words: Sequence[str] | None = None) -> None:
    """Write the notebooks, or exit with 1 and name those that are not current."""
    parser = argparse.ArgumentParser(description="Make the course's notebooks of their sources.")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write each .ipynb beside its source")
    what.add_argument("--check", action="store_true", help="exit with 1 if one is not current")
    asked = parser.parse_args(words)
    try:
        if asked.write:
            write(asked.folder)
            return
        found = list(stale(asked.folder))
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    for notebook in found:
        print(
            f"{notebook} is not what {notebook.with_suffix('.py').name} makes: "
            "`make notebooks-write` writes it anew, without what was typed into it."
        )
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
