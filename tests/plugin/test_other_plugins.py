"""Marked tests beside other plugins: pytest-xdist, -cov, -benchmark and -memray."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.plugin_runs import once, run_pytest, surroundings, write

CODE = """
    def measured(n):
        total = 0
        for i in range(n):
            total += i
        return total

    def plain():
        return 1

    def excluded():
        return 2

    def never():
        return 3
"""

COVERED = """
    import pytest
    from code_under_test import excluded, measured, plain

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_measured(n):
        assert measured(n) > 0

    @pytest.mark.memory_budget("1 MB")
    def test_measured_again():
        assert measured(5) == 10

    @pytest.mark.no_cover
    @pytest.mark.memory_budget("1 MB")
    def test_not_covered():
        assert excluded() == 2

    def test_plain():
        assert plain() == 1
"""

COVERAGE = ("-p", "pytest_cov", "--cov=code_under_test", "--cov-report=json")
XDIST = ("-p", "xdist", "-n", "2")


@pytest.fixture
def covered(tmp_path):
    return write(tmp_path, code_under_test=CODE, test_covered=COVERED)


def missing(folder):
    found = json.loads((folder / "coverage.json").read_text())["files"]
    return found["code_under_test.py"]["missing_lines"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [(), ("--cov-branch",), (*XDIST, "--cov-branch", "--dist", "loadfile")]
)
def test_lines_that_only_a_measured_body_runs_are_covered(covered, words):
    ran = run_pytest(covered, *COVERAGE, *words)
    assert re.match(r"4 passed(, 1 warning)?$", ran.counts())
    assert missing(covered) == [12, 15]
    assert [path.name for path in covered.glob(".coverage*")] == [".coverage"]


@pytest.mark.slow
def test_lines_are_put_down_to_the_measured_test(covered):
    run_pytest(covered, *COVERAGE, "--cov-context=test")
    command = [sys.executable, "-m", "coverage", "json", "--show-contexts"]
    subprocess.run(command, cwd=covered, capture_output=True, check=True)
    found = json.loads((covered / "coverage.json").read_text())["files"]["code_under_test.py"]
    assert set(found["contexts"]["5"]) == {
        "test_covered.py::test_measured[n=8000..128000]|run",
        "test_covered.py::test_measured_again|run",
    }


@pytest.mark.slow
def test_coverage_without_its_plugin_is_taken_where_it_is_joined_from_files(covered):
    run = ["run", "--parallel-mode", "--source=.", "-m", "pytest", "-p", "memory-lab"]
    for words in (run, ["combine"], ["json"]):
        subprocess.run(
            [sys.executable, "-m", "coverage", *words],
            cwd=covered,
            env=surroundings(covered),
            capture_output=True,
            check=True,
        )
    assert missing(covered) == [12, 15]


@pytest.mark.slow
def test_coverage_changes_little(covered):
    without, beside = run_pytest(covered), run_pytest(covered, *COVERAGE)
    for name in ("test_measured[n=8000..128000]", "test_measured_again"):
        assert abs(beside.peak(name) - without.peak(name)) < 64 * 1024


TIMED = """
    import os
    import pytest

    @pytest.mark.memory_budget("2 MB")
    def test_both_hold(benchmark):
        benchmark(lambda: bytearray(1_000_000))
        with open("processes", "a") as file:
            print(os.getpid() == int(os.environ["OUTER"]), file=file)

    @pytest.mark.memory_budget("900 kB")
    def test_too_large(benchmark):
        benchmark(lambda: bytearray(1_000_000))

    @pytest.mark.memory_growth("O(n)", over="n", sizes="8000..128000")
    def test_at_sizes(benchmark, n):
        benchmark(bytearray, n)

    @pytest.mark.memory_budget("1 MB")
    def test_not_timed():
        pass

    def test_not_measured(benchmark):
        benchmark(int)
"""

OUTER = """
    import os

    def pytest_configure(config):
        os.environ.setdefault("OUTER", str(os.getpid()))
"""


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    return once("timed", tmp_path_factory, _timed)


def _timed(folder):
    write(folder, conftest=OUTER, test_timed=TIMED)
    words = ("-p", "benchmark", "--benchmark-max-time=0.01", "--benchmark-json=times.json")
    return run_pytest(folder, *words)


def test_a_benchmark_is_measured_and_timed(timed):
    assert timed.counts() == "1 failed, 4 passed"
    assert 1_000_000 < timed.peak("test_both_hold") < 1_100_000
    assert timed.tests["test_at_sizes[n=8000..128000]"]["properties"]["bytes_per_item"] == "1.0"
    times = json.loads(Path(timed.folder, "times.json").read_text())["benchmarks"]
    names = {time["name"] for time in times}
    assert names == {"test_both_hold", "test_at_sizes[n=8000..128000]", "test_not_measured"}


def test_a_benchmark_is_timed_in_the_process_of_the_run_and_measured_in_another(timed):
    assert Path(timed.folder, "processes").read_text().split() == ["False", "True"]


def test_a_benchmark_that_is_too_large_is_not_timed(timed):
    assert "over the budget" in timed.text("test_too_large")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("--benchmark-only", "1 failed, 3 passed, 1 skipped"),
        ("--benchmark-skip", "1 passed, 4 skipped"),
        ("--benchmark-disable", "1 failed, 4 passed"),
    ],
)
def test_the_options_of_benchmarks_hold(tmp_path, word, counts):
    write(tmp_path, conftest=OUTER, test_timed=TIMED)
    ran = run_pytest(tmp_path, "-p", "benchmark", "--benchmark-max-time=0.01", word)
    assert ran.counts() == counts


TRACKED = """
    import pytest

    @pytest.mark.memory_budget("1 MB")
    def test_ours():
        bytearray(500_000)

    @pytest.mark.limit_memory("1 MB")
    def test_theirs():
        bytearray(500_000)

    @pytest.mark.limit_memory("100 KB")
    def test_theirs_too_large():
        bytearray(500_000)

    def test_plain():
        bytearray(500_000)
"""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--memray",), marks=pytest.mark.slow),
        pytest.param(("-o", "memray=true"), marks=pytest.mark.slow),
        ("--memray", *XDIST),
    ],
)
def test_memray_goes_on_with_the_tests_that_are_its_own(tmp_path, words):
    ran = run_pytest(write(tmp_path, test_tracked=TRACKED), "-p", "memray", *words)
    assert {name: ran.outcome(name) for name in ran.tests} == {
        "test_ours": "passed",
        "test_theirs": "passed",
        "test_theirs_too_large": "failed",
        "test_plain": "passed",
    }
    assert ran.peak("test_ours") < 600_000
    assert ("MEMRAY REPORT" in ran.output) == ("--memray" in words)


GROUPED = """
    import os
    import pytest

    pytestmark = pytest.mark.memory_budget("1 MB")

    @pytest.mark.xdist_group("one")
    def test_in_a_group():
        bytearray(500_000)

    @pytest.mark.xdist_group("two")
    def test_in_another():
        bytearray(2_000_000)

    def test_knows_its_worker(worker_id):
        assert worker_id == os.environ["PYTEST_XDIST_WORKER"]
        assert len(worker_id) == 5
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["loadfile", "loadgroup", "worksteal"])
def test_every_way_to_distribute_tests_works(tmp_path, how):
    ran = run_pytest(write(tmp_path, test_grouped=GROUPED), *XDIST, "--dist", how)
    assert ran.counts() == "1 failed, 2 passed"
    assert "[gw" in ran.output


def test_the_options_of_a_run_reach_the_processes_of_its_workers(tmp_path):
    tests = 'import pytest\n@pytest.mark.memory_budget("1 MB")\ndef test_it(pytestconfig):\n'
    tests += '    assert pytestconfig.getini("log_level") == "DEBUG"\n'
    ran = run_pytest(write(tmp_path, test_it=tests), *XDIST, "-o", "log_level=DEBUG")
    assert ran.counts() == "1 passed"
