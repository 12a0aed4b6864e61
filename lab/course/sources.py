"""Generate the course's notebooks from their sources: the same text gives the same bytes.

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
        LabError: The folder has none.
    """
    paths = sorted(folder.glob("[0-9][0-9]-*.py"))
    if not paths:
        raise LabError(
            f"{folder} has no sources of notebooks: run this command in the project's folder."
        )
    return paths


def read(source: Path) -> "NotebookNode":
    """Return the notebook of a source, without outputs.

    It does not depend on the time, the machine or the version of jupytext: a cell's id is the
    notebook's number and the cell's position.

    Args:
        source: A Python file in jupytext's percent format, with cells after ``# %%``.
    """
    import jupytext
    from nbformat import from_dict

    cells = jupytext.read(source, fmt="py:percent").cells
    number = source.stem.partition("-")[0]
    for position, cell in enumerate(cells, start=1):
        cell.id = f"{number}-{position:02}"
        # Other metadata is jupytext's, about the blank lines of the source.
        cell.metadata = {"tags": cell.metadata.tags} if "tags" in cell.metadata else {}
    content = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    notebook: NotebookNode = from_dict(content)  # type: ignore[no-untyped-call]
    return notebook


def written(source: Path) -> str:
    """Return the JSON text of the notebook of a source."""
    import nbformat

    text: str = nbformat.writes(read(source))  # type: ignore[no-untyped-call]
    return text.rstrip("\n") + "\n"


def filled(notebook: "NotebookNode", lesson: "Lesson") -> "NotebookNode":
    """Return a copy of a lesson's notebook with the reference answers in the student's cells.

    Raises:
        LabError: A student's tag belongs to no cell or to several.
    """
    copy = deepcopy(notebook)
    for tag, text in lesson.filled():
        cells = tagged(copy, tag)
        if len(cells) != 1:
            raise LabError(
                f"{lesson.number}-{lesson.name} has {len(cells)} cells tagged {tag}: "
                f'begin exactly one cell with `# %% tags=["{tag}"]`.'
            )
        cells[0].source = text.strip()
    return copy


def tagged(notebook: "NotebookNode", tag: str) -> "list[NotebookNode]":
    """Return the cells of a notebook that have a tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def write(folder: Path) -> None:
    """Write the notebook of each source beside it.

    Raises:
        LabError: The folder has no source.
    """
    for source in sources(folder):
        source.with_suffix(".ipynb").write_text(written(source), encoding="utf-8", newline="\n")


def stale(folder: Path) -> Iterator[Path]:
    """Yield the notebooks that differ from their sources or do not exist.

    Raises:
        LabError: The folder has no source.
    """
    for source in sources(folder):
        notebook = source.with_suffix(".ipynb")
        if not notebook.exists() or notebook.read_bytes() != written(source).encode():
            yield notebook


def main(words: Sequence[str] | None = None) -> None:
    """Write the notebooks, or name those that are out of date and exit with 1."""
    parser = argparse.ArgumentParser(
        description="Generate the course's notebooks from their sources."
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write each .ipynb beside its source")
    mode.add_argument(
        "--check", action="store_true", help="exit with 1 if a notebook is out of date"
    )
    options = parser.parse_args(words)
    try:
        if options.write:
            write(options.folder)
            return
        outdated = list(stale(options.folder))
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    for notebook in outdated:
        print(
            f"{notebook} does not match {notebook.with_suffix('.py').name}: `make notebooks-write` "
            "generates it again, and discards changes made in the notebook."
        )
    if outdated:
        sys.exit(1)


if __name__ == "__main__":
    main()
