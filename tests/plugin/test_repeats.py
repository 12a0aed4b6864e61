"""A marked test says the same again, whatever ran before it; and what is new since it was good."""

import re
from itertools import pairwise

import pytest

from lab.units import parse_bytes
from tests.helpers import just_above
from tests.plugin.plugin_runs import run_pytest, write

FIRST = """
    kept = []

    def test_leaves_holes():
        for _ in range(3):
            kept.append([[n] for n in range(100_000)])
        kept.clear()
"""

MARKED = """
    import json

    import pytest

    @pytest.mark.memory_budget("100 MB")
    def test_objects():
        named = {str(n): [n] for n in range(3_000)}
        again = json.loads(json.dumps(named))
        assert again == named

    @pytest.mark.memory_growth("O(n)", over="n", sizes="2000..32000")
    def test_growing(n):
        kept = {str(i): float(i) for i in range(n)}
"""

NAMES = ("test_objects", "test_growing[n=2000..32000]")


def peaks(folder, *words):
    ran = run_pytest(folder, *words)
    assert ran.code == 0
    return {name: ran.peak(name) for name in NAMES}


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, test_first=FIRST, test_marked=MARKED, test_then=FIRST)


@pytest.mark.slow
def test_a_peak_is_the_same_to_the_byte_in_every_order_and_under_xdist(project):
    found = [
        peaks(project, "test_marked.py"),
        peaks(project, "test_first.py", "test_marked.py"),
        peaks(project, "test_marked.py", "test_then.py"),
        peaks(project, "-p", "xdist", "-n", "2"),
    ]
    assert all(first == second for first, second in pairwise(found))


CHANGING = """
    import os
    import pytest

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_stays(n):
        held = bytearray(300_000)
        if "LEAK" in os.environ:
            leak = bytearray(10 * n)

    @pytest.mark.memory_budget("500 kB")
    def test_within():
        held = bytearray(300_000)
        if "LEAK" in os.environ:
            leak = bytearray(1_000_000)
"""

STAYS = "test_stays[n=8000..128000]"


def test_a_failure_says_what_has_changed_since_the_last_good_run(tmp_path):
    write(tmp_path, test_changing=CHANGING)
    assert run_pytest(tmp_path).code == 0
    for _ in range(2):  # a bad run is never the last good one
        leaking = run_pytest(tmp_path, LEAK="1")
        grown, larger = leaking.text(STAYS), leaking.text("test_within")
        assert "      n  peak heap  last good run\n" in grown
        assert "leak = bytearray(10 * n)" in grown
        for text in (grown, larger):
            earlier = re.search(r"more than the (\S+ kB) of the last good run \(20", text)
            assert just_above(parse_bytes(earlier[1]), 300_000)
        assert "1.00 MB  test_changing.py:15 in test_within: leak = bytearray(1_000_000)" in larger
        assert "held = " not in larger
    assert run_pytest(tmp_path).code == 0


@pytest.mark.slow
def test_more_than_in_the_last_good_run_is_no_failure_by_itself(tmp_path):
    write(tmp_path, test_changing=CHANGING.replace("500 kB", "2 MB"))
    assert run_pytest(tmp_path).code == 0
    assert run_pytest(tmp_path, LEAK="1").outcome("test_within") == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("word", ["-pno:cacheprovider", "--cache-clear"])
def test_without_a_cache_there_is_no_last_good_run(tmp_path, word):
    write(tmp_path, test_changing=CHANGING)
    run_pytest(tmp_path)
    ran = run_pytest(tmp_path, word, LEAK="1")
    assert "over the budget" in ran.text("test_within")
    assert "last good run" not in ran.output


@pytest.mark.slow
def test_the_last_good_run_of_a_run_that_clears_the_cache_is_kept(tmp_path):
    write(tmp_path, test_changing=CHANGING)
    run_pytest(tmp_path, "--cache-clear")
    assert "last good run" in run_pytest(tmp_path, LEAK="1").text("test_within")
