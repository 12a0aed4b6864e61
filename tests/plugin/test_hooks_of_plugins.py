"""The hooks of other plugins beside marked tests: what runs in the run, what in its processes."""

import subprocess
import sys

import pytest

from tests.plugin.plugin_runs import run_pytest, surroundings, write

MARKED = """
    import pytest

    @pytest.mark.memory_budget("1 MB")
    def test_marked():
        bytearray(500_000)
"""

XDIST = ("-p", "xdist", "-n", "2")


def run(folder, test, conftest, *words, **modules):
    return run_pytest(write(folder, test_it=test, conftest=conftest, **modules), *words)


GIVES_A_KEY = """
    def pytest_configure(config):
        if hasattr(config, "workerinput"):
            config.given = config.workerinput["given"], config.workerinput["gateway"]

    def pytest_configure_node(node):
        node.workerinput["given"] = [1, {"a": (2, b"bytes")}]
        node.workerinput["gateway"] = node.gateway.id

    def pytest_sessionstart(session):
        assert session.exitstatus == 0
"""

READS_THE_KEY = """
    import pytest

    @pytest.mark.memory_budget("1 MB")
    def test_marked(pytestconfig):
        given, gateway = pytestconfig.given
        assert given == [1, {"a": (2, b"bytes")}]
        assert gateway.startswith("gw")
"""


@pytest.mark.parametrize(
    "words",
    [
        (),
        pytest.param(("-p", "xdist"), marks=pytest.mark.slow),
        pytest.param(XDIST, marks=pytest.mark.slow),
    ],
)
def test_what_plugins_give_workers_is_given_to_measuring_processes(tmp_path, words):
    conftest = GIVES_A_KEY.replace("def pytest_configure_node", OPTIONAL)
    assert run(tmp_path, READS_THE_KEY, conftest, *words).counts() == "1 passed"


OPTIONAL = "import pytest\n    @pytest.hookimpl(optionalhook=True)\n    def pytest_configure_node"


def test_a_hook_that_needs_more_of_xdist_than_there_is_gives_nothing(tmp_path):
    conftest = f"""
    {OPTIONAL}(node):
        node.workerinput["roots"] = node.nodemanager.roots
    """
    assert run(tmp_path, MARKED, conftest).counts() == "1 passed"


def test_a_plugin_without_its_key_gets_the_option_or_starts_as_in_the_run(tmp_path):
    conftest = """
        def pytest_addoption(parser):
            parser.addoption("--seed", type=int, default=0)

        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                config.seed = config.workerinput["seed"]
                config.workerinput["key_of_a_controller"]
            else:
                config.started_alone = True
                config.option.seed = config.option.seed or 7
    """
    test = MARKED.replace("test_marked()", "test_marked(pytestconfig)").replace(
        "bytearray(500_000)",
        "assert (pytestconfig.seed, pytestconfig.started_alone) == (7, True)",
    )
    assert run(tmp_path, test, conftest).counts() == "1 passed"


FAILS = """
    def pytest_sessionstart(session):
        if session.config.pluginmanager.has_plugin("memory-lab-child"):
            raise KeyError("no such thing")
"""


@pytest.mark.parametrize("hook", ["pytest_sessionstart(session)", "pytest_configure(config)"])
def test_a_plugin_that_fails_is_named_with_the_option_that_leaves_it_out(tmp_path, hook):
    plugin = FAILS.replace("pytest_sessionstart(session)", hook)
    if "config)" in hook:
        plugin = plugin.replace("session.config", "config")
    ran = run(tmp_path, MARKED, "", "-p", "failing", failing=plugin)
    text = ran.text("test_marked")
    assert "failing fails in the measuring process of" in text
    assert "(KeyError: 'no such thing'): run with -p no:failing." in text


REPORTS = """
    def pytest_runtest_logreport(report):
        with open("reported", "a") as file:
            print(report.nodeid, report.when, file=file)
"""


def test_a_plugin_that_writes_reports_sees_each_report_once(tmp_path):
    run(tmp_path, MARKED, REPORTS)
    phases = [f"test_it.py::test_marked {when}" for when in ("setup", "call", "teardown")]
    assert (tmp_path / "reported").read_text().splitlines() == phases


INCREMENTAL = """
    import pytest

    failed = []

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        report = (yield).get_result()
        report.sections.append(("note", "made"))
        if report.when == "call" and report.passed:
            item.session.results = [*getattr(item.session, "results", []), item.name]

    def pytest_runtest_setup(item):
        for mark in item.iter_markers("after"):
            if mark.args[0] not in getattr(item.session, "results", []):
                pytest.skip(f"needs {mark.args[0]}")
        if item.get_closest_marker("incremental") and failed:
            pytest.xfail(f"{failed[-1]} failed")

    @pytest.hookimpl(trylast=True)
    def pytest_configure(config):
        config.pluginmanager.register(Incremental())

    class Incremental:
        def pytest_runtest_makereport(self, item, call):
            if call.when == "call" and call.excinfo and call.excinfo.typename != "Skipped":
                failed.append(item.name)
                item.funcargs["driver"].screenshot()
"""

DEPENDENT = """
    import pytest

    small = pytest.mark.memory_budget("1 MB")

    def test_plain():
        pass

    @small
    @pytest.mark.after("test_plain")
    def test_after_plain():
        bytearray(500_000)

    @small
    @pytest.mark.after("test_plain")
    def test_large():
        bytearray(5_000_000)

    @pytest.mark.after("test_after_plain")
    def test_after_marked():
        pass

    @small
    @pytest.mark.after("test_large")
    def test_after_large():
        pass

    @small
    @pytest.mark.incremental
    def test_incremental():
        raise ValueError

    @small
    def test_skips_itself():
        pytest.skip("of itself")
"""


def test_a_test_that_depends_on_others_is_decided_by_their_results_in_the_run(tmp_path):
    ran = run(tmp_path, DEPENDENT, INCREMENTAL)
    assert {name: ran.outcome(name) for name in ran.tests} == {
        "test_plain": "passed",
        "test_after_plain": "passed",
        "test_large": "failed",
        "test_after_marked": "passed",
        "test_after_large": "skipped",
        "test_incremental": "xfailed",
        "test_skips_itself": "skipped",
    }
    assert ran.peak("test_after_plain") > 500_000
    assert "over the budget" in ran.text("test_large")
    assert "needs test_large" in ran.text("test_after_large")
    assert "test_large failed" in ran.text("test_incremental")


@pytest.mark.parametrize("hook", ["runtest_call(item)", "runtest_setup(item)"])
def test_a_test_that_a_hook_skips_in_its_own_process_only_is_not_green(tmp_path, hook):
    conftest = f"""
        import pytest

        @pytest.hookimpl(hookwrapper=True)
        def pytest_{hook}:
            if hasattr(item.config, "workerinput"):
                pytest.skip("only here")
            yield
    """
    ran = run(tmp_path, MARKED, conftest)
    assert ran.outcome("test_marked") in {"failed", "error"}
    assert (
        "conftest.py skips the test in its measuring process only (only here), so it was not"
        in (ran.text("test_marked"))
    )


def test_a_mark_that_skips_only_in_workers_does_not_skip_the_measurement(tmp_path):
    mark = '@pytest.mark.skipif("PYTEST_XDIST_WORKER" in __import__("os").environ, reason="no")\n'
    test = MARKED.replace("@pytest", f"{mark}    @pytest")
    ran = run(tmp_path, test, "")
    assert ran.counts() == "1 passed"
    assert ran.peak("test_marked") > 500_000


def test_what_a_hook_adds_to_a_report_is_there_once(tmp_path):
    ran = run(tmp_path, MARKED, INCREMENTAL)
    assert ran.output.count("- note -") == 1


OBJECTS = """
    import sys

    import my_fixtures
    import pytest

    class Unknown:
        @pytest.fixture
        def unknown(self):
            return 1

    if __name__ == "__main__":
        objects = [my_fixtures, my_fixtures.Plugin(2), my_fixtures.Plugin.Other, Unknown(), "named"]
        sys.exit(pytest.main(["-rA", "-p", "memory-lab"], plugins=objects))
"""

FIXTURES = """
    import pytest

    @pytest.fixture
    def of_module():
        return 1

    class Plugin:
        def __init__(self, value):
            self.value = value

        @pytest.fixture
        def of_instance(self):
            return self.value

        class Other:
            def pytest_runtest_setup(item):
                item.seen = True
"""

NAMED = """
    import pytest

    @pytest.fixture
    def of_name():
        return 3
"""

WITH_OBJECTS = """
    import pytest

    small = pytest.mark.memory_budget("1 MB")

    @small
    def test_passed_on(of_module, of_instance, of_name, request):
        assert (of_module, of_instance, of_name, request.node.seen) == (1, 2, 3, True)

    @small
    def test_not_passed_on(unknown):
        pass
"""


def test_plugin_objects_are_passed_on_or_named(tmp_path):
    write(tmp_path, objects=OBJECTS, my_fixtures=FIXTURES, named=NAMED, test_it=WITH_OBJECTS)
    words = [sys.executable, "objects.py"]
    done = subprocess.run(
        words, cwd=tmp_path, env=surroundings(tmp_path), capture_output=True, text=True, check=False
    )
    assert "1 passed, 1 error" in done.stdout, done.stdout
    assert "fixture 'unknown' not found" in done.stdout
    assert "lacks the plugin objects __main__.Unknown of pytest.main: define them" in done.stdout
