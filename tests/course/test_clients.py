"""Exercises that are read by several clients, and the terminal of the notebooks."""

import json
from pathlib import Path

import pytest

from lab.course.cells.terminal import Terminal
from lab.course.examples import regression
from lab.course.grading.drain_answers import texts_in_step
from lab.course.grading.heap_growth import growth_of
from lab.course.lessons import lesson
from lab.course.sources import read, tagged
from tests.course.wrong_answers import animals

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def noting(name, chunks, notes):
    for chunk in chunks:
        notes.append(name)
        yield chunk


def test_clients_read_a_chunk_each_in_turn():
    """Whoever has less to read is gone sooner, and the others go on."""
    notes = []
    texts_in_step([noting("a", "123", notes), noting("b", "1", notes)], show=False)
    assert notes == ["a", "b", "a", "a"]


def test_what_each_client_reads_is_told_apart_and_where_it_was_cut_is_not():
    whole, cut = texts_in_step([["ab"], ["c"]], show=False), texts_in_step(["ab", "c"], show=False)
    assert whole == cut
    assert whole.counts == {"items": 2}
    assert whole != texts_in_step([["a"], ["bc"]], show=False)


def test_what_is_shown_has_lines_of_every_client():
    many = ["".join(f"{name}{number}\n" for number in range(1_000)) for name in "ab"]
    shown = json.loads(texts_in_step(many, show=True).digest)
    assert (shown[0], shown[-1], len(shown)) == (r"'a0\n'", r"'b99\n'", 200)


RAGGED = ((1_000, 900_000), (2_000, 1_000_000), (4_000, 1_100_000), (8_000, 1_200_000))


@pytest.mark.parametrize(("noise", "grows"), [(0, True), (128 * 1024, False)])
def test_a_step_up_within_the_noise_of_a_server_is_no_growth(noise, grows):
    assert growth_of(RAGGED, "row", most=0, noise=noise).grows is grows


def test_a_terminal_prints_a_command_its_output_and_how_it_ended(capsys, monkeypatch):
    """A kernel asks for colours, and nobody gets any."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    terminal = Terminal()
    terminal("lab check")
    said = capsys.readouterr().out
    assert said.startswith("$ lab check\nlab: there is no memory-budgets.toml here")
    assert said.endswith("exit code 2\n")
    assert "\x1b" not in said


def test_a_terminal_runs_in_a_folder_of_its_own(capsys):
    terminal = Terminal()
    terminal.write("test_it.py", "def test_it():\n    pass\n")
    terminal("pytest -q -p no:cacheprovider")
    assert "1 passed" in capsys.readouterr().out
    folder = terminal.folder
    del terminal
    assert not folder.exists()


def test_the_commit_and_its_mend_send_the_same_lines():
    sent = list(regression.before(100))
    assert sent == list(regression.after(100)) == list(regression.mended(100))
    assert len(sent) == 100


def test_the_cell_that_ci_turned_red_is_in_the_zoo():
    """The notebook's own cell is wrong, and has to be found wrong."""
    (cell,) = tagged(read(NOTEBOOKS / "09-budgets-in-ci.py"), "exercise")
    (animal,) = (one for one in animals(lesson("09")) if one.name == "keeps_what_it_sent")
    assert cell.source.strip() in animal.source
