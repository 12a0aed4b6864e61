"""Notebooks are made of their sources: the same bytes, whoever makes them and when."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.course.sources import filled, main, read, sources, stale, tagged, write, written
from lab.errors import LabError

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

SOURCE = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       jupytext_version: 1.11.0
#   kernelspec:
#     display_name: Another
#     language: python
#     name: another
# ---

# %% [markdown]
# # Streaming an *élan* of rows

# %% tags=["predict"]
predict(naive=...)

# %% tags=["exercise", "first"]
def export(db): ...


# %%
# %time x = 1
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "03-streaming.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def lesson(*cells):
    """What `filled` asks of a lesson."""
    return SimpleNamespace(number="03", name="streaming", filled=lambda: iter(cells))


def test_a_notebook_is_valid_has_not_run_and_keeps_its_tags(source):
    import nbformat

    notebook = read(source)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "code"]
    assert [cell.id for cell in notebook.cells] == ["03-01", "03-02", "03-03", "03-04"]
    assert not any(cell.outputs or cell.execution_count for cell in notebook.cells[1:])
    assert [cell.metadata for cell in notebook.cells[1:3]] == [
        {"tags": ["predict"]}, {"tags": ["exercise", "first"]},
    ]  # fmt: skip
    assert notebook.cells[3].source == "%time x = 1"


def test_a_notebook_runs_on_this_python_whatever_its_source_was_last_opened_with(source):
    assert read(source).metadata.kernelspec.name == "python3"
    assert "jupytext" not in written(source)


def test_two_processes_write_the_same_bytes(source):
    write(source.parent)
    first = source.with_suffix(".ipynb").read_bytes()
    command = [sys.executable, "-m", "lab.course.sources", "--write", str(source.parent)]
    subprocess.run(command, check=True)
    assert source.with_suffix(".ipynb").read_bytes() == first
    assert "élan".encode() in first
    assert first.endswith(b"}\n")


def test_what_is_just_written_is_current(source):
    main(["--write", str(source.parent)])
    main(["--check", str(source.parent)])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda source, notebook: notebook.unlink(),
        lambda source, notebook: notebook.write_text(notebook.read_text() + "\n"),
        lambda source, notebook: source.write_text(SOURCE + "\n# %%\n1\n"),
    ],
    ids=["missing", "touched", "older than its source"],
)
def test_a_notebook_that_is_not_current_is_named_with_the_mend(source, spoil, capsys):
    write(source.parent)
    spoil(source, source.with_suffix(".ipynb"))
    with pytest.raises(SystemExit) as end:
        main(["--check", str(source.parent)])
    assert end.value.code == 1
    (said,) = capsys.readouterr().out.splitlines()
    assert "03-streaming.ipynb does not match 03-streaming.py" in said
    assert "make notebooks-write" in said


def test_a_folder_without_sources_is_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["--check", str(tmp_path)])
    assert end.value.code == 2
    assert "has no sources of notebooks" in capsys.readouterr().err


def test_the_cells_of_a_student_are_filled_in_a_copy(source):
    notebook = read(source)
    done = filled(notebook, lesson(("predict", "predict(1)"), ("exercise", "x = 1\n")))
    assert [cell.source for cell in done.cells[1:3]] == ["predict(1)", "x = 1"]
    assert notebook == read(source)
    assert tagged(done, "first") == [done.cells[2]]


def test_a_tag_that_no_cell_has_is_a_sentence(source):
    with pytest.raises(LabError, match="03-streaming has 0 cells tagged quiz"):
        filled(read(source), lesson(("quiz", "quiz()")))


def test_a_tag_that_two_cells_have_is_a_sentence(source):
    source.write_text(SOURCE + '\n# %% tags=["predict"]\n1\n', encoding="utf-8")
    with pytest.raises(LabError, match="has 2 cells tagged predict"):
        filled(read(source), lesson(("predict", "predict()")))


def test_every_notebook_of_the_course_is_current():
    assert list(stale(NOTEBOOKS)) == []


def test_links_of_the_notebooks_lead_somewhere():
    for source in sources(NOTEBOOKS):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", source.read_text(encoding="utf-8")):
            assert (NOTEBOOKS / link).exists(), f"{source.name}: {link}"


def test_importing_the_module_costs_nothing():
    code = "import sys, lab.course.sources; print({'jupytext', 'nbformat'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
