"""Every notebook of the course runs from top to bottom, solved and as a student opens it."""

import os
import re
from pathlib import Path

import psutil
import pytest

from lab.course.grading.child import attempted
from lab.course.lessons import LESSONS
from lab.course.sources import filled, read, sources, tagged
from lab.data.seed import posts_ready
from lab.errors import LabError
from tests.course.execution import executed, new_notebook, write

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

pytestmark = pytest.mark.notebooks


@pytest.fixture(autouse=True)
def no_settings_of_the_user(tmp_path, monkeypatch):
    """Jupyter looks into the home folder, and makes one there."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "settings"))


@pytest.fixture(scope="module")
def server_is_up():
    """Keep the database up between notebooks, with all their posts: no table in use grows."""
    with posts_ready(560_000):
        yield


@pytest.fixture
def run(tmp_path):
    """Run a notebook, given as the texts of code cells or whole; nothing it started is left."""

    def run_it(*cells, notebook=None, name="07-a-try", folder=tmp_path, **options):
        if notebook is None:
            notebook = new_notebook(*cells)
            for place, cell in enumerate(notebook.cells, start=1):
                cell.id = f"07-{place:02}"
        try:
            return executed(name, notebook, folder, tmp_path / "progress", **options)
        finally:
            assert kernels_of(os.getpid()) == []

    return run_it


def kernels_of(pid):
    """List the kernels that descend from a process."""
    children = psutil.Process(pid).children(recursive=True)
    return [one for one in children if any("ipykernel" in word for word in one.cmdline())]


def kept(name, notebook, tmp_path):
    """Keep a notebook that has run, where somebody wants to look at it."""
    folder = Path(os.environ.get("MEMORY_LAB_KEEP_NOTEBOOKS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    write(notebook, folder / f"{name}.ipynb")


def name_of(lesson):
    return f"{lesson.number}-{lesson.name}"


def said(notebook, tag):
    """What the cells of a tag show, to those who see no HTML."""
    outputs = [output for cell in tagged(notebook, tag) for output in cell.outputs]
    return "\n".join(output.get("data", output).get("text/plain", "") for output in outputs)


def html_outputs(notebook, tag=None):
    cells = tagged(notebook, tag) if tag else notebook.cells
    return [
        output.data["text/html"]
        for cell in cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]


def pictures(html):
    return re.findall(r"<svg\b.*?</svg>", html, re.DOTALL)


def what_is_missing(html):
    """Say what somebody who cannot see the pictures of an output misses."""
    for svg in pictures(html):
        opening, words = svg.partition(">")[0], svg[:5_000]
        if 'role="img"' not in opening or "aria-label=" not in opening:
            return "a role and a label"
        if not re.search(r"<title>[^<]+</title>\s*<desc>[^<]+</desc>", words):
            return "a title and a description"
        if "<table>" not in html:
            return "a table with the figures"
    return None


def test_every_lesson_has_a_notebook_and_every_notebook_a_lesson():
    assert [path.stem for path in sources(NOTEBOOKS)] == [name_of(one) for one in LESSONS]


@pytest.mark.parametrize("lesson", LESSONS, ids=name_of)
@pytest.mark.usefixtures("server_is_up")
def test_a_solved_notebook_passes_its_own_check_and_quiz(lesson, run, tmp_path):
    name = name_of(lesson)
    source = read(NOTEBOOKS / f"{name}.py")
    done = run(notebook=filled(source, lesson), name=name, folder=NOTEBOOKS)
    kept(name, done, tmp_path)
    assert said(done, "predict").startswith("✓ Recorded")
    assert said(done, "check").startswith("✓ Passed"), said(done, "check")
    assert said(done, "quiz").startswith("✓"), said(done, "measure") + said(done, "quiz")
    assert any(pictures(html) for html in html_outputs(done))
    assert {what_is_missing(html) for html in html_outputs(done)} == {None}
    assert bool(tagged(done, "live")) == bool(lesson.live)
    for html in html_outputs(done, "live"):
        (svg,) = pictures(html)
        assert len(svg.encode()) < 40_000


@pytest.mark.full
@pytest.mark.parametrize("lesson", LESSONS, ids=name_of)
@pytest.mark.usefixtures("server_is_up")
def test_a_notebook_as_a_student_opens_it_runs_through_and_passes_nothing(lesson, run):
    name = name_of(lesson)
    opened = run(notebook=read(NOTEBOOKS / f"{name}.py"), name=name, folder=NOTEBOOKS)
    shown = said(opened, "check")
    (exercise,) = tagged(opened, "exercise")
    if attempted(exercise.source, lesson.exercise.function):
        # What is handed out is right, and grows: to be mended.
        assert shown.startswith(("✗ Out of memory", "✗ Grows")), shown
    else:
        assert shown.startswith("Not attempted"), shown
    assert "✓" not in said(opened, "predict") + said(opened, "quiz")


def test_a_cell_that_raises_is_named(run):
    with pytest.raises(LabError, match=r"07-a-try failed in cell 07-02: ValueError: no luck"):
        run(
            "# A try",
            "raise ValueError('no luck')",
            "1",
        )


def test_a_cell_that_ends_its_kernel_is_named(run):
    with pytest.raises(LabError, match=r"07-a-try failed in cell 07-01: its kernel ended"):
        run("import os; os.abort()")


def test_a_cell_that_takes_too_long_is_named(run):
    with pytest.raises(LabError, match=r"07-a-try failed in cell 07-01: it took more than 1 sec"):
        run("import time; time.sleep(60)", timeout=1)


def test_a_kernel_is_started_in_the_notebooks_folder_with_progress_of_its_own(run, tmp_path):
    done = run("import os\nprint(os.getcwd(), os.environ['MEMORY_LAB_COURSE'])")
    assert done.cells[0].outputs[0].text.split() == [str(tmp_path), str(tmp_path / "progress")]


@pytest.mark.parametrize(
    ("html", "missing"),
    [
        ("<p>no picture</p>", None),
        ("<svg><title>t</title><desc>d</desc></svg><table></table>", "a role and a label"),
        ('<svg role="img" aria-label="l"><title>t</title></svg>', "a title and a description"),
        (
            '<svg role="img" aria-label="l"><title>t</title><desc>d</desc></svg>',
            "a table with the figures",
        ),
        ('<svg role="img" aria-label="l"><title>t</title> <desc>d</desc></svg><table>', None),
    ],
)
def test_what_a_picture_lacks_is_found(html, missing):
    assert what_is_missing(html) == missing
