"""What people have in their test files and conftests, and a measuring process has to live with."""

import pytest

from tests.plugin.plugin_runs import run_pytest, write

MARKED = """
    import pytest

    @pytest.mark.memory_budget("1 MB")
    def test_marked():
        pass

    def test_plain():
        pass
"""


def run(folder, test=MARKED, conftest="", *words):
    return run_pytest(write(folder, conftest=conftest, test_it=test), *words)


def test_a_thread_that_an_import_has_started_is_there(tmp_path):
    test = """
        from concurrent.futures import ThreadPoolExecutor

        import pytest

        pool = ThreadPoolExecutor(1)
        pool.submit(int).result()

        @pytest.mark.memory_budget("1 MB", timeout=60)
        def test_pool():
            assert pool.submit(int).result() == 0
    """
    assert run(tmp_path, test).counts() == "1 passed"


@pytest.mark.parametrize(
    "body",
    [
        "pytest.exit('enough')",
        pytest.param("raise KeyboardInterrupt('enough')", marks=pytest.mark.slow),
    ],
)
def test_a_body_may_end_the_run(tmp_path, body):
    ran = run(tmp_path, MARKED.replace("pass", body, 1))
    assert ran.code == 2
    assert "Exit: enough !!!" in ran.output
    assert "test_plain" not in ran.tests
    assert ran.left == []


def test_a_conftest_that_fails_in_another_process_is_one_sentence(tmp_path):
    conftest = """
        def pytest_configure(config):
            if config.pluginmanager.has_plugin("memory-lab-child"):
                raise KeyError("no such thing")
    """
    ran = run(tmp_path, MARKED, conftest)
    text = ran.text("test_marked")
    assert "conftest.py fails in the measuring process of" in text
    assert "test_it.py (KeyError: 'no such thing'): run with --no-memory-lab." in text
    assert ran.outcome("test_plain") == "passed"


def test_an_end_of_the_session_that_fails_is_an_error(tmp_path):
    conftest = """
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput") and not session.config.option.collectonly:
                raise ValueError("not finished")
    """
    ran = run(tmp_path, MARKED, conftest)
    assert "(ValueError: not finished)" in ran.text("test_marked")


def test_a_test_that_is_not_there_in_another_process_is_one_sentence(tmp_path):
    test = """
        import os

        import pytest

        @pytest.mark.memory_budget("1 MB")
        @pytest.mark.parametrize("process", [os.getpid()], ids=str)
        def test_changes(process):
            pass
    """
    ran = run(tmp_path, test)
    (text,) = (ran.text(name) for name in ran.tests)
    assert "is missing when a measuring process collects its file:" in text


def test_tests_may_be_deselected_reordered_and_marked_by_a_conftest(tmp_path):
    conftest = """
        import pytest

        def pytest_collection_modifyitems(config, items):
            items.reverse()
            for item in items:
                item.add_marker(pytest.mark.memory_budget("1 kB"))
            if hasattr(config, "workerinput"):
                items.clear()  # as one who runs a share of the tests
    """
    ran = run(tmp_path, MARKED, conftest)
    assert list(ran.tests) == ["test_plain", "test_marked"]
    assert "over the budget of 1.00 kB" in ran.text("test_plain")
    assert ran.outcome("test_marked") == "passed"


def test_reports_carry_what_a_conftest_puts_in_them(tmp_path):
    conftest = """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            report.user_properties.append(("where", type(item)))
            report.sections.append(("of mine", "put in"))
            return report
    """
    ran = run(tmp_path, MARKED, conftest)
    assert "of mine" in ran.output
    assert ran.tests["test_marked"]["properties"]["where"] == "<class '_pytest.python.Function'>"


@pytest.mark.slow
def test_many_files_take_turns_with_few_processes(tmp_path):
    files = {f"test_{number}.py": MARKED for number in range(6)}
    count = """
        import glob

        def pytest_sessionfinish(session):
            if not hasattr(session.config, "workerinput"):
                mine = str(session.config.rootpath).encode()
                lines = [open(name, "rb").read() for name in glob.glob("/proc/[0-9]*/cmdline")]
                child = b"lab.measure.fork_server"
                ours = [line for line in lines if child in line and mine in line]
                print("there are", len(ours))
    """
    ran = run_pytest(write(tmp_path, files, conftest=count), "-s")
    assert ran.counts() == "12 passed"
    assert int(ran.output.partition("there are ")[2].split()[0]) <= 5
