"""Marked tests under the options that people run pytest with, from the places they run it in."""

import subprocess

import pytest

from tests.helpers import processes_naming, wait_until
from tests.plugin.plugin_runs import command, run_pytest, surroundings, write

TESTS = """
    import sys

    import pytest

    @pytest.mark.memory_budget("1 MB")
    def test_fails():
        assert 1 == 2

    @pytest.mark.memory_budget("100 kB")
    def test_large():
        bytearray(200_000)

    def test_plain():
        pass

    @pytest.mark.memory_budget("1 MB")
    @pytest.mark.chosen
    def test_good():
        print("from the body")
        print("measured" if "memray" in sys.modules else "plain")
"""

INI = "[pytest]\nmarkers = chosen: one of them\n"

ODD = r"""
    import pytest

    @pytest.mark.memory_budget("1 MB")
    @pytest.mark.parametrize(
        "text", ["a::b", "[", "]::x[", "two words", "é", "/", "\n", ""]
    )
    def test_odd(text):
        pass

    @pytest.mark.parametrize("text", ["a::b", "é ["])
    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_odd_growth(n, text):
        assert n
"""

GOOD = "from the body\nmeasured"


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {"pytest.ini": INI}, test_some=TESTS)


def test_x_stops_at_the_first_failure(project):
    ran = run_pytest(project, "-x")
    assert list(ran.tests) == ["test_fails"]
    assert ran.counts() == "1 failed"


def test_maxfail_counts_failures_of_memory(project):
    assert run_pytest(project, "--maxfail=2").counts() == "2 failed"


@pytest.mark.parametrize(
    "words",
    [
        ("-k", "good"),
        pytest.param(("-m", "chosen"), marks=pytest.mark.slow),
        pytest.param(("test_some.py::test_good",), marks=pytest.mark.slow),
    ],
)
def test_tests_can_be_chosen(project, words):
    ran = run_pytest(project, *words)
    assert list(ran.tests) == ["test_good"]
    assert GOOD in ran.output


@pytest.mark.slow
def test_those_that_failed_can_be_run_again(project):
    run_pytest(project)
    again = run_pytest(project, "--lf")
    assert list(again.tests) == ["test_fails", "test_large"]
    assert again.outcome("test_large") == "failed"


@pytest.mark.parametrize("words", [("--collect-only",), ("--co", "-q"), ("--setup-plan",)])
def test_what_runs_no_bodies_measures_none(project, words):
    ran = run_pytest(project, *words)
    assert ran.code == 0
    assert "test_large" in ran.output
    assert "over the budget" not in ran.output


def test_no_memory_lab_runs_the_bodies_plainly(project):
    ran = run_pytest(project, "--no-memory-lab")
    assert ran.outcome("test_fails") == "failed"
    assert ran.outcome("test_large") == "passed"
    assert "from the body\nplain" in ran.output


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["terminal", "capture", "cacheprovider"])
def test_plugins_of_pytest_may_be_missing(project, plugin):
    ran = run_pytest(project, "-p", f"no:{plugin}")
    outcomes = [ran.outcome(name) for name in ran.tests]
    assert outcomes == ["failed", "failed", "passed", "passed"]


def test_s_shows_what_bodies_write(project):
    ran = run_pytest(project, "-s", "-k", "good")
    assert "test_some.py from the body\nmeasured\n." in ran.output


def test_pdb_does_not_wait_for_anybody(project):
    assert run_pytest(project, "--pdb").counts() == "2 failed, 2 passed"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_files_of_one_name_in_two_packages(tmp_path, mode):
    packages = {f"{name}/test_same.py": TESTS for name in "ab"}
    write(tmp_path, {"pytest.ini": INI, "a/__init__.py": "", "b/__init__.py": "", **packages})
    ran = run_pytest(tmp_path, f"--import-mode={mode}")
    assert ran.counts() == "4 failed, 4 passed"
    assert "a/test_same.py:12 in test_large" in ran.output
    assert "b/test_same.py:12 in test_large" in ran.output


def test_a_run_from_a_subfolder(project):
    (project / "sub").mkdir()
    ran = run_pytest(project, "..", cwd=project / "sub")
    assert ran.counts() == "2 failed, 2 passed"
    assert " test_some.py:12 in test_large" in ran.text("test_large")


@pytest.mark.slow
@pytest.mark.parametrize("word", ["-c=elsewhere/other.ini", "--rootdir=elsewhere"])
def test_a_run_with_its_root_elsewhere(project, word):
    write(project, {"elsewhere/other.ini": INI})
    ran = run_pytest(project, word, "test_some.py")
    assert ran.counts().startswith("2 failed, 2 passed")
    assert " test_some.py:12 in test_large" in ran.text("test_large")


@pytest.mark.slow
def test_parameters_may_have_any_characters(tmp_path):
    assert run_pytest(write(tmp_path, test_odd=ODD)).counts() == "10 passed"


WHAT_IS_IMPORTED = """
    import sys

    def pytest_unconfigure(config):
        heavy = ("memray", "sqlalchemy", "lab.measure", "lab.plugin", "lab.budgets")
        print("imported", [name for name in heavy if name in sys.modules])
"""


def test_without_a_marker_nothing_is_imported(tmp_path):
    plain = "def test_plain():\n    pass\n"
    ran = run_pytest(write(tmp_path, conftest=WHAT_IS_IMPORTED, test_plain=plain), "-s")
    assert "imported []" in ran.output
    marked = run_pytest(write(tmp_path, test_some=ODD), "-s", "--co")
    assert "imported ['lab.plugin', 'lab.budgets']" in marked.output


def test_the_plugin_comes_with_the_package_and_describes_its_markers(tmp_path):
    environment = surroundings(tmp_path)
    del environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
    words = ("-m", "pytest", "--markers", "--strict-markers")
    done = subprocess.run(
        [command()[0], *words], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert b"@pytest.mark.memory_budget(peak, *, warm_up=False, timeout=600): " in done.stdout
    assert b"@pytest.mark.memory_growth(claim, *, over, sizes=None, axis=None, " in done.stdout


def test_strict_markers_know_the_markers(tmp_path):
    assert run_pytest(write(tmp_path, test_odd=ODD), "--strict-markers", "--co").code == 0


SLOW = """
    import time
    from pathlib import Path

    import pytest

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_slow(n):
        assert n
        Path("started").touch()
        time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-p", "xdist", "-n", "1")])
def test_an_interrupted_run_leaves_no_process_and_no_file(tmp_path, words):
    write(tmp_path, test_slow=SLOW)
    process = subprocess.Popen(
        command(*words, "--basetemp=base"),
        cwd=tmp_path,
        env=surroundings(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert wait_until((tmp_path / "started").exists, 60)
        process.send_signal(2)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert b"KeyboardInterrupt" in output
    assert wait_until(lambda: not processes_naming("lab.measure.fork_server", str(tmp_path)))
    assert list((tmp_path / "tmp").iterdir()) == []
