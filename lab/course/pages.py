"""The course as pages to read without Jupyter or a network: every notebook after a run.

Run as ``python -m lab.course.pages [--out FOLDER] [--solutions]``, in the project's folder.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lab.course.execute import executed
from lab.course.sources import FOLDER, filled, read, sources
from lab.errors import LabError
from lab.report.json import write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

OUT = Path("build", "course")

_WITHOUT_SCRIPTS = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""
"""JupyterLab's own look; its scripts would come from other hosts, and nothing here needs them."""

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Memory Lab: the course</title>
<style>body {{ font: 1rem/1.6 sans-serif; max-width: 40rem; margin: 2rem auto }}</style>
</head>
<body>
<h1>Memory Lab: the course</h1>
<ol>
{}
</ol>
</body>
</html>
"""


def write_pages(folder: Path, out: Path, *, solved: bool = False) -> Iterator[Path]:
    """Run each notebook of a folder, write its page, and yield the page; the index comes last.

    Args:
        folder: Where the sources are.
        out: The folder for the pages, which is made.
        solved: Fill in what a student would, and show how that is judged.

    Raises:
        LabError: There is no source, a cell failed, or a page cannot be written.
    """
    lines = []
    with TemporaryDirectory(prefix="memory-lab-course-") as progress:
        for source in sources(folder):
            wanted = _as_wanted(source, solved)
            notebook = executed(source.stem, wanted, folder, Path(progress))
            path = out / f"{source.stem}.html"
            title, number = _title(notebook), int(source.stem.partition("-")[0])
            write_text(path, page(notebook, title, folder, out))
            lines.append(f'<li value="{number}"><a href="{path.name}">{escape(title)}</a></li>')
            yield path
    write_text(out / "index.html", _INDEX.format("\n".join(lines)))
    yield out / "index.html"


def page(notebook: "NotebookNode", title: str, folder: Path, out: Path) -> str:
    """Return a notebook as one HTML page.

    Args:
        notebook: With its outputs.
        title: For the browser's window.
        folder: Where the notebook's links start from.
        out: Where the page's will.
    """
    from nbconvert import HTMLExporter

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source, folder, out)
    exporter = HTMLExporter(raw_template=_WITHOUT_SCRIPTS)  # type: ignore[no-untyped-call]
    text, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return text


def relinked(markdown: str, folder: Path, out: Path) -> str:
    """Let links to notebooks lead to their pages, and others to where they led from the folder."""

    def lead(link: re.Match[str]) -> str:
        path = Path(link["path"])
        if path.suffix == ".ipynb":
            return f"]({path.with_suffix('.html')}{link['rest']})"
        return f"]({os.path.relpath(folder / path, out)}{link['rest']})"

    return _LINK.sub(lead, markdown)


_LINK = re.compile(r"\]\((?!\w+:|#|/)(?P<path>[^)#\s]+)(?P<rest>[^)]*)\)")
"""A link that starts from where the page is."""


def _title(notebook: "NotebookNode") -> str:
    """Return the first heading."""
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(r"^# (.+)$", words, re.MULTILINE)
    return found[1] if found else "A notebook without a heading"


def _as_wanted(source: Path, solved: bool) -> "NotebookNode":
    notebook = read(source)
    if not solved:
        return notebook
    from lab.course.lessons import lesson

    return filled(notebook, lesson(source.stem.partition("-")[0]))


def main(words: Sequence[str] | None = None) -> None:
    """Write the pages, naming each as it is there."""
    parser = argparse.ArgumentParser(description="Run the course, and write it as pages.")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the pages")
    parser.add_argument("--solutions", action="store_true", help="with every exercise solved")
    asked = parser.parse_args(words)
    try:
        for path in write_pages(asked.folder, asked.out, solved=asked.solutions):
            print(path)
    except LabError as error:
        print(error, error.details, sep="\n", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
