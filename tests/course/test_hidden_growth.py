"""Growth is found where it is, outside of a process too, with workloads whose answer is known."""

import os
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager

import pytest

from lab.course.grading.drain_answers import first_difference, rows_of, text_of, value_of
from lab.course.grading.heap_growth import external_growth, growth_of
from lab.course.grading.watch import OWN, PLACES, ExternalMemory, MemoryWatch
from lab.errors import LabError

SIZES = (1_000, 2_000, 4_000, 8_000, 16_000)
MB = 1_000_000


def peaks(base, per_item):
    return tuple((size, round(base + per_item * size)) for size in SIZES)


@pytest.mark.parametrize(
    ("per_item", "most", "grows"),
    [
        (0, 0, False),
        (0.5, 0, False),
        (8, 0, True),
        (500, 0, True),
        (500, 600, False),
        (700, 600, True),
    ],
)
def test_an_answer_grows_when_it_costs_more_per_item_than_it_may(per_item, most, grows):
    assert growth_of(peaks(MB, per_item), "row", most).grows is grows


def test_a_curve_of_two_points_is_none():
    assert "too slow for a traced curve" in growth_of(((1, 2), (2, 3)), "row", 0).sentence


@pytest.mark.parametrize("place", PLACES)
def test_growth_elsewhere_is_named(place):
    def held(size):
        return ExternalMemory({**dict.fromkeys(PLACES, 3 * MB), place: 3 * MB + 100 * size})

    grown = [(size, held(size)) for size in (*SIZES, 200_000)]
    assert place in external_growth(grown, "row")
    assert external_growth([(size, held(0)) for size in (*SIZES, 200_000)], "row") == ""


@contextmanager
def watched(code, most=10**9):
    """Run Python in a group of its own, under a watch; it says so when it holds what it will."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    # Its errors would go to a file of pytest's, which would be one that it has open.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        watch = MemoryWatch(most, database=False)
        watch(process.pid)
        process.stdout.readline()
        time.sleep(1)  # several looks, on a busy machine too
        yield watch
        process.stdin.close()


WAIT = "print('ready', flush=True); sys.stdin.read()"


def test_a_childs_memory_is_seen():
    with watched(f"""
        import subprocess, sys
        inner = "kept = bytearray(b'x') * 50_000_000; print(1, flush=True); open(0).read()"
        child = subprocess.Popen([sys.executable, "-c", inner], stdin=-1, stdout=-1)
        child.stdout.readline()
        {WAIT}
    """) as watch:
        pass
    memory = watch.result()
    assert 50 * MB < memory.peaks["its child processes"] < 75 * MB
    assert memory.peaks["files"] == 0
    assert memory.exceeded == ""


@pytest.mark.parametrize(
    "opened", ["tempfile.TemporaryFile()", "open(os.memfd_create('hidden'), 'w+b')"]
)
def test_a_file_is_seen_even_without_a_name(opened):
    with watched(f"""
        import os, sys, tempfile
        file = {opened}
        file.write(bytes(20_000_000)); file.flush()
        {WAIT}
    """) as watch:
        pass
    assert watch.result().peaks["files"] == 20 * MB


def test_a_file_that_was_there_is_not_the_runs(tmp_path):
    (tmp_path / "there").write_bytes(bytes(20 * MB))
    os.utime(tmp_path / "there", (1, 1))
    with watched(f"""
        import sys
        file = open({str(tmp_path / "there")!r}, "rb")
        {WAIT}
    """) as watch:
        pass
    assert watch.result().peaks["files"] == 0


def test_what_passes_the_cap_is_ended_with_all_that_it_started():
    with watched(f"import sys; kept = bytearray(b'x') * 90_000_000; {WAIT}", 50 * MB) as watch:
        pass
    assert watch.result().exceeded == OWN


def test_a_small_answer_is_compared_item_by_item():
    right = rows_of(iter([(1, "a"), (2, "b")]), True).digest
    assert first_difference(rows_of([(1, "a"), (2, "c")], True).digest, right) == (
        "item 2 is (2, 'c') and should be (2, 'b')"
    )
    assert "ends after 1 items" in first_difference(rows_of([(1, "a")], True).digest, right)
    longer = rows_of([(1, "a"), (2, "b"), (3, "c")], True).digest
    assert first_difference(longer, right) == "it should end after 2 items, but (3, 'c') comes next"


def test_where_a_text_was_cut_makes_no_difference():
    assert text_of(["ab", "c\n"], False) == text_of([b"abc\n"], False)
    assert text_of(["ab\nc"], True) == text_of(["ab", b"\nc"], True)
    assert text_of(["abd\n"], False) != text_of(["abc\n"], False)


@pytest.mark.parametrize(
    ("drain", "answer"), [(rows_of, None), (text_of, 7), (text_of, [7]), (value_of, iter("a"))]
)
def test_an_answer_of_another_kind_is_a_sentence(drain, answer):
    with pytest.raises(LabError, match=r"return (a )?\w+ instead|must be text or bytes"):
        drain(answer, False)
