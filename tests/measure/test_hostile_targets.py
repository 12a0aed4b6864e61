"""A target can neither answer in the lab's place nor break the exchange with its process."""

import re

import pytest

import lab
from lab.errors import LabError
from lab.measure import run_progress
from lab.measure.http.clients import read_result
from lab.measure.messages import Answer, Task, printable
from lab.measure.schedule import Schedule
from tests.helpers import just_above, processes_naming, run_lab

HERE = "tests.measure.hostile"


def measure(target, n=1_000):
    schedule = Schedule(parallel=1, timeout=60)
    return lab.sweep(f"{HERE}:{target}", sizes=[n], schedule=schedule).points[0]


@pytest.mark.parametrize(
    "target",
    [
        "forges_an_answer",
        "writes_garbage",
        "writes_megabytes_without_a_newline",
        "returns_in_two_processes",
        "raises_in_a_copy",
    ],
)
def test_a_target_is_measured_whatever_it_writes_and_forks(target):
    """It holds 100 bytes and an object for each item, and some of them a buffer of 100 kB."""
    assert 1_000 * 133 <= measure(target).peak_heap_bytes < 1_000 * 133 + 250_000


def test_a_thread_that_every_python_here_starts_is_no_hindrance(tmp_path):
    """As monitoring tools start one by a ``sitecustomize`` module."""
    (tmp_path / "sitecustomize.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=[99], daemon=True).start()\n"
    )
    words = ("measure", f"{HERE}:writes_garbage", "--sizes", "10,20", "--timeout", "60")
    run = run_lab(*words, env={"PYTHONPATH": str(tmp_path)})
    assert "2 sizes were measured" in run.stdout, run.stdout + run.stderr


def test_output_does_not_count_as_the_answer():
    assert just_above(measure("prints_megabytes").peak_heap_bytes, 20_000_033)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("forges_an_answer_and_leaves", "forges_an_answer_and_leaves ended with exit code 0"),
        ("leaves", "leaves ended with exit code 0 before it answered."),
        ("exits", "exits raised SystemExit: enough"),
        ("starts_a_session", "starts_a_session raised PermissionError"),
        ("becomes_another_program", "another_program ended with exit code 0 before it answered."),
        ("gets_a_signal_without_a_name", "without_a_name was killed by signal"),
        ("ends_the_fork_server", "ends_the_fork_server was killed by SIGKILL"),
        ("prints_megabytes_and_leaves", "ended with exit code 4 before it answered."),
        ("raises_half_a_character", "raised ValueError: cannot store"),
    ],
)
def test_a_target_that_does_not_answer_is_named_in_one_sentence(target, says):
    with pytest.raises(LabError, match="hostile") as caught:
        measure(target)
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert processes_naming(HERE) == []


def test_a_target_that_closes_every_file_is_named():
    """A thread of memray that writes at this moment ends the process."""
    with pytest.raises(LabError) as caught:
        measure("closes_every_file")
    assert re.search(
        r"closes_every_file (damaged the record of its heap: let it close|was killed by SIGABRT)",
        str(caught.value),
    )


def test_what_a_target_said_is_printable_where_it_enters():
    with pytest.raises(LabError) as caught:
        measure("raises_half_a_character")
    assert r"\ud83d, \x00, \x1b[31mred, \rover or \u202eback" in str(caught.value)
    with pytest.raises(LabError) as caught:
        measure("prints_megabytes_and_leaves")
    assert caught.value.details.splitlines() == [r"\x1b[31mred"] * 8


def test_printable_text_stays_as_it_is():
    text = "Zürich, 東京 and 🎉:\n\ttabs and lines\n"
    assert printable(text) == text
    assert printable("a\r\nb\rc\x85d") == "a\nb\\rc\\x85d"


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"5", b'{"reading": 5}', b'{"x": 1}', b"\xff"])
def test_an_answer_that_is_not_whole_is_none(tmp_path, text):
    task = Task("t", "m:o", {}, None, False, str(tmp_path), "", [])
    assert Answer.of_task(task) is None
    task.answer_file.write_bytes(text)
    assert Answer.of_task(task) is None
    task.answer_file.write_bytes(Answer(run_seconds=2).to_json())
    assert Answer.of_task(task) == Answer(run_seconds=2)


def test_two_tasks_have_different_files_for_their_answers(tmp_path):
    first, second = (Task("t", "m:o", {}, None, False, str(tmp_path), "", []) for _ in "12")
    assert first.answer_file != second.answer_file
    assert Task.of_json(first.to_json()).answer_file == first.answer_file


def test_a_line_that_is_no_result_of_the_clients_is_a_failure():
    assert read_result("")["failed"] == "the client died"
    for line in ("half", "[]", "{}", "5"):
        assert read_result(line)["failed"] == f"the client wrote {line!r} instead of its result"
    assert read_result('{"counts": {}, "digest": ""}') == {"counts": {}, "digest": ""}


def test_progress_is_the_first_eight_bytes_of_its_file(tmp_path):
    file = tmp_path / "progress"
    assert run_progress.read(file) == 0
    file.write_bytes((7).to_bytes(8, "little") + b"x" * 1_000_000)
    assert run_progress.read(file) == 7
