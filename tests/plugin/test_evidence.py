"""A marked test passes by evidence: children, caches, larger sizes, memory that is not the heap."""

import pytest

from tests.plugin.plugin_runs import once, run_pytest, write

TESTS = """
    import subprocess, sys
    import pytest

    @pytest.mark.memory_budget("1 MiB")
    def test_child():
        code = "x = bytearray(100_000_000); import time; time.sleep(0.1)"
        subprocess.run([sys.executable, "-c", code], check=True)

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_fills_up(n):
        bytearray(55 * min(n, 72_000))

    @pytest.mark.memory_growth("O(1)", over="n", sizes="1000..16000")
    def test_small_sizes(n):
        for row in (f"row {i}" for i in range(n)):
            pass

    CACHE = []

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_cached(n):
        if not CACHE:
            CACHE.extend(float(i) for i in range(n))

    @pytest.mark.memory_growth("O(1)", over="n", sizes="1000..16000")
    def test_refuses_more(n):
        assert n <= 16_000
        bytearray(55 * min(n, 9_000))
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    def run(folder):
        return run_pytest(write(folder, test_it=TESTS))

    return once("evidence", tmp_path_factory, run)


def test_child_processes_are_part_of_a_budget(ran):
    assert ran.outcome("test_child") == "failed"
    assert "in child processes (python)" in ran.text("test_child")


def named(ran, prefix):
    """Return the name of a test with its size."""
    return next(name for name in ran.tests if name.startswith(prefix))


@pytest.mark.parametrize("prefix", ["test_fills_up", "test_small_sizes"])
def test_larger_sizes_are_taken_where_the_given_ones_cannot_tell(ran, prefix):
    name = named(ran, prefix)
    assert ran.outcome(name) == "passed", ran.text(name)


def test_a_cache_that_the_warm_up_filled_does_not_hide_growth(ran):
    name = named(ran, "test_cached")
    assert ran.outcome(name) == "failed"
    assert "in runs without a warm-up" in ran.text(name)


def test_a_body_that_fails_at_larger_sizes_is_judged_at_the_given_ones(ran):
    name = named(ran, "test_refuses_more")
    assert ran.outcome(name) == "failed"
    assert "O(1) inconclusive" in ran.text(name)
    assert "assert n" not in ran.text(name)
