"""Fixtures of marked tests, and of their neighbours: what is set up where, in which order."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.plugin.plugin_runs import once, run_pytest, write

CONFTEST = """
    import os

    import pytest

    def pytest_addoption(parser):
        parser.addoption("--colour", default="red")

    def pytest_configure(config):
        config.inherited = getattr(config, "workerinput", {}).get("workerid", "run")

    def note(config, *words):
        line = " ".join([config.inherited, *map(str, words)])
        with open(os.environ["NOTES"], "a") as file:
            file.write(line + "\\n")

    @pytest.fixture(scope="session")
    def session(pytestconfig):
        note(pytestconfig, "up session")
        yield bytearray(5_000_000)
        note(pytestconfig, "down session")

    @pytest.fixture(scope="module")
    def module(pytestconfig, request):
        note(pytestconfig, "up", request.node.name)
        yield bytearray(5_000_000)
        print("module goes down")
        note(pytestconfig, "down", request.node.name)

    @pytest.fixture(scope="class")
    def group(pytestconfig):
        note(pytestconfig, "up group")
        yield bytearray(5_000_000)
        note(pytestconfig, "down group")

    @pytest.fixture
    def function(pytestconfig):
        yield bytearray(5_000_000)
        bytearray(5_000_000)

    def pytest_runtest_setup(item):
        note(item.config, "test", item.name)
"""

ORDER = """
    import logging
    import os

    import pytest

    small = pytest.mark.memory_budget("100 kB")
    over_sizes = pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")

    def test_before(module, session):
        pass

    @small
    def test_marked(module, session, function):
        pass

    def test_after(module, session):
        pass

    class TestGroup:
        def test_first(self, group):
            pass

        @small
        def test_second(self, group):
            pass

        def test_third(self, group):
            pass

        @over_sizes
        def test_fourth(self, n, group, rows, own_id):
            assert len(rows) == 100 * n

        @pytest.fixture
        def rows(self, n):
            return bytearray(100 * n)

    @pytest.fixture(scope="session")
    def own_id(pytestconfig):
        return pytestconfig.workerinput["workerid"]

    @small
    def test_ready_made(tmp_path, monkeypatch, capsys, caplog, request, pytestconfig):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").write_text("text")
        print("said")
        logging.getLogger().warning("logged")
        assert os.listdir() == ["file"]
        assert capsys.readouterr().out == "said\\n"
        assert caplog.messages == ["logged"]
        assert request.node.name == "test_ready_made"
        assert pytestconfig.getoption("--colour") == "blue"

    @pytest.fixture
    def broken():
        raise ValueError("not set up")

    @pytest.fixture
    def breaks():
        yield
        raise ValueError("not torn down")

    @small
    def test_broken(broken):
        pass

    @small
    def test_breaks(breaks):
        pass

    @small
    def test_large_and_breaks(breaks):
        bytearray(1_000_000)

    @small
    def test_unknown(no_such_fixture):
        pass

    @pytest.fixture(scope="module")
    def late():
        yield
        raise ValueError("late")

    def test_late(late):
        pass

    @small
    def test_end():
        pass
"""

SECOND = """
    import pytest

    @pytest.mark.memory_budget("100 kB")
    def test_other_marked(module):
        pass

    def test_other(module, session):
        pass
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return once("fixtures", tmp_path_factory, _run)


@pytest.fixture(scope="module")
def notes(ran):
    return Path(ran.folder, "notes").read_text().splitlines()


def _run(folder):
    write(folder, conftest=CONFTEST, test_order=ORDER, test_second=SECOND)
    return run_pytest(folder, "--colour=blue", NOTES=str(folder / "notes"))


def test_what_fixtures_allocate_does_not_count(ran):
    assert ran.outcome("test_marked") == "passed"
    assert ran.outcome("test_second") == "passed"


def test_the_fixtures_that_pytest_brings_work(ran):
    assert ran.outcome("test_ready_made") == "passed"


def test_a_fixture_that_depends_on_the_size_gets_each_size(ran):
    assert ran.outcome("test_fourth[n=8000..128000]") == "passed"


def test_fixtures_of_neighbours_are_set_up_and_torn_down_once_and_in_order(notes):
    children = {note.partition(" ")[2] for note in notes if note.startswith("gw")}
    tests = {note for note in children if note.startswith("test ")}  # all that are marked
    mine = [note.removeprefix("run ") for note in notes if note.startswith("run ")]
    assert sorted(note for note in mine if note in tests) == sorted(tests)
    assert [note for note in mine if note not in tests] == [
        "test test_before",
        "up session",
        "up test_order.py",
        "test test_after",
        "test test_first",
        "up group",
        "test test_third",
        "down group",
        "test test_late",
        "down test_order.py",
        "test test_other",
        "up test_second.py",
        "down test_second.py",
        "down session",
    ]


def test_every_process_sets_up_and_tears_down_for_itself_alone(notes):
    for first, second in pairwise([note for note in notes if "session" in note]):
        if first.split()[1] == "up" and not first.startswith("run"):
            assert second == first.replace("up", "down")
    assert sum(note.endswith("up session") for note in notes) == 2


def test_processes_side_by_side_have_ids_that_no_other_has(notes):
    tests = [note.split()[0] for note in notes if "test_fourth" in note and note[:3] != "run"]
    assert sorted(set(tests)) == [f"gw{number}" for number in range(100, 107)]
    assert len(tests) == 12  # five with a warm-up, and two first calls


def test_errors_of_fixtures_are_errors(ran):
    for name, says in [
        ("test_broken", "ValueError: not set up"),
        ("test_breaks", "ValueError: not torn down"),
        ("test_unknown", "fixture 'no_such_fixture' not found"),
    ]:
        assert ran.outcome(name) == "error"
        assert says in ran.text(name)


def test_a_body_is_judged_even_if_its_fixture_fails_afterwards(ran):
    text = ran.text("test_large_and_breaks")
    assert "over the budget of 100 kB" in text
    assert "ValueError: not torn down" in text


def test_an_error_left_by_tests_before_is_reported_with_its_output(ran):
    assert "ValueError: late" in ran.text("test_end")
    assert "-- Captured stdout teardown --" in ran.output
    assert "module goes down" in ran.output[ran.output.index("= ERRORS =") :]
