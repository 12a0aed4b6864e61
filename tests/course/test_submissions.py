"""A folder of notebooks is graded unattended, and no student harms another's grade."""

import csv
import json

import pytest

from lab.course.lessons import lesson
from tests.course.execution import new_notebook, write
from tests.helpers import processes_naming, run_lab

FIRST = (
    'from lab.course import notebook\npredict, measure, trap, exercise, quiz, live = notebook("00")'
)

HANDED_IN = {
    "ada": lesson("00").solution,
    "björn": "def batch_sums(numbers):\n    while True:\n        pass",
    "chloé": "import os\n\ndef batch_sums(numbers):\n    os._exit(1)",
    "dmitri": "def batch_sums(numbers)\n    return []",
    "élodie": "def batch_sums(numbers):\n    raise MemoryError",
    "fatima": "def batch_sums(numbers):\n    ...",
    "grace": "def batch_sums(numbers):\n    return [sum(list(numbers))]",
    "=cmd()": lesson("00").solution,
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The run, and the folder that it wrote to."""
    folder = tmp_path_factory.mktemp("course")
    for name, answer in HANDED_IN.items():
        (folder / "in" / name).mkdir(parents=True)
        handed = new_notebook(FIRST, "1 / 0", answer)
        handed.cells[-1].metadata["tags"] = ["exercise"]
        write(handed, folder / "in" / name / "00.ipynb")
    (folder / "in" / "håkon.ipynb").write_text("not a notebook")
    write(new_notebook("print('another course')"), folder / "in" / "inês.ipynb")
    write(new_notebook(FIRST, "exercise.check()"), folder / "in" / "josé.ipynb")
    hidden = folder / "in" / ".ipynb_checkpoints"
    hidden.mkdir()
    (hidden / "ada.ipynb").write_text("left by an editor")
    done = run_lab("course", "grade", "in", "--csv", "out/g.csv", "--json", "g.json", cwd=folder)
    return done, folder


@pytest.fixture
def rows(graded):
    with (graded[1] / "out" / "g.csv").open(encoding="utf-8", newline="") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


@pytest.mark.slow
def test_every_notebook_has_a_row_with_its_outcome(graded, rows):
    done, _ = graded
    assert done.returncode == 0, done.stderr
    assert "2 of 11 passed." in done.stdout
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "ada/00.ipynb": "passed",
        "björn/00.ipynb": "too slow",
        "chloé/00.ipynb": "error in your code",
        "dmitri/00.ipynb": "error in your code",
        "élodie/00.ipynb": "out of memory",
        "fatima/00.ipynb": "not attempted",
        "grace/00.ipynb": "wrong answer",
        "'=cmd()/00.ipynb": "passed",
        "håkon.ipynb": "unreadable",
        "inês.ipynb": "unreadable",
        "josé.ipynb": "not attempted",
    }


@pytest.mark.slow
def test_the_table_says_what_was_seen(rows):
    assert "syntax error on line 1 of your cell" in rows["dmitri/00.ipynb"]["sentence"]
    assert int(rows["ada/00.ipynb"]["peak_bytes"]) > 0
    assert rows["grace/00.ipynb"]["lesson"] == "00"
    assert "it names no lesson" in rows["inês.ipynb"]["sentence"]


@pytest.mark.slow
def test_the_document_has_the_curves(graded):
    document = json.loads((graded[1] / "g.json").read_text())
    ada = next(one for one in document["graded"] if one["submission"] == "ada/00.ipynb")
    assert [size for size, _ in ada["yours"]] == [size for size, _ in ada["reference"]]
    assert len(ada["yours"]) == 5
    assert document["environment"]["python"]


@pytest.mark.slow
def test_nothing_is_left_running(graded):
    assert processes_naming("lab.measure.fork_server", str(graded[1])) == []


def test_a_path_that_is_not_there_is_a_sentence(tmp_path):
    done = run_lab("course", "grade", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere does not exist: name notebooks, or folders of notebooks." in done.stderr


def test_a_folder_without_notebooks_is_a_sentence(tmp_path):
    done = run_lab("course", "grade", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no notebook to grade" in done.stderr
