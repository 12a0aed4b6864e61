"""A marker that makes no sense is one sentence, beside the name of the test."""

from pathlib import Path

import pytest

from lab.curves.limits import default_sizes
from tests.plugin.plugin_runs import once, run_pytest, write

BUDGETS = {
    "": "memory_budget takes peak, warm_up, timeout: missing a required argument: 'peak'.",
    "'lots'": "'lots' is not a valid amount of memory: write 512MiB, 2GB or 65536.",
    "None": 'None is not a valid budget: write an amount such as "2 MiB".',
    "True": 'True is not a valid budget: write an amount such as "2 MiB".',
    "0": '0 is not a valid budget: write an amount such as "2 MiB".',
    "'1 MB', peek=1": "memory_budget takes peak, warm_up, timeout: got an unexpected keyword",
    "'1 MB', '2 MB'": "memory_budget takes peak, warm_up, timeout: too many positional arguments.",
    "'1 MB', timeout=0": "0 is not a valid timeout: write seconds, such as 60.",
    "'1 MB', timeout='x'": "'x' is not a valid timeout: write seconds, such as 60.",
    "'1 MB', warm_up='no'": "warm_up must be True or False, not 'no'.",
}

SIZES = "sizes='8000..128000'"
DEFAULT = f"n={default_sizes('n')[0]}..{default_sizes('n')[-1]}"

GROWTHS = {
    "'O(1)'": "missing a required argument: 'over'.",
    "'O(1)', over='n', size=5": "got an unexpected keyword argument 'size'",
    f"'O(1)', 'n', {SIZES}": "too many positional arguments.",
    "'O(1)', over='n', sizes='x'": "'x' is not a list of sizes: write 8000..128000",
    "'O(1)', over='n', sizes=5": '5 is not valid as sizes: write "8000..128000" or a list',
    "'O(1)', over='n', sizes=[]": "[] is not valid as sizes",
    "'O(1)', over='n', sizes=[1.5, 3]": "[1.5, 3] is not valid as sizes",
    "'O(1)', over='n', sizes=[2, 1]": "sizes must increase: 2, 1 do not.",
    "'O(1)', over='n', sizes=[1, 2]": "memory_growth needs 5 sizes or more, each twice the",
    f"'O(colour)', over='n', {SIZES}": "unknown claim O(colour)",
    f"'linear', over='n', {SIZES}": "unknown claim 'linear': write O(1), O(n)",
    f"'O(1)', over='m', {SIZES}": "has over='m', which is not an argument of test_g11",
    f"'O(1)', over='n', axis='m', {SIZES}": "unknown axis 'm'",
    f"'O(rows)', over='n', {SIZES}": 'the sizes count n: set axis="rows".',
    f"'O(1)', over='n', {SIZES}, allow_inconclusive=1": "allow_inconclusive must be True or False",
}

PARAMETER = """
    import unittest

    import pytest

    growth = pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")

    @pytest.mark.parametrize("other", [pytest.param(1, marks=growth)])
    def test_late(n, other):
        pass

    class TestCase(unittest.TestCase):
        @growth
        def test_method(self):
            pass
"""

UNREAD = """
    import asyncio
    from functools import wraps
    from unittest import mock

    import pytest

    growth = pytest.mark.memory_growth("O(1)", over="n")

    def passed_on(function):
        @wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs)
        return inner

    @pytest.fixture
    def rows(n):
        return range(n)

    @growth
    def test_unread(n):
        bytearray(100)

    @growth
    def test_only_written(n):
        n = 5

    @growth
    def test_of_other_fixtures(tmp_path, n, monkeypatch):
        assert tmp_path.exists()

    @growth
    def test_read(n):
        assert n >= 1_000

    @growth
    def test_read_in_a_closure(n):
        assert [i for i in range(2) if (lambda: n)()]

    @growth
    def test_read_by_a_fixture(rows, n):
        assert len(rows) >= 1_000

    @growth
    def test_read_by_name(n):
        assert locals()["n"]

    @growth
    def test_read_by_a_request(request, n):
        assert request.getfixturevalue("n")

    @growth
    @passed_on
    def test_decorated(n):
        pass

    @growth
    @mock.patch("os.getpid")
    def test_patched(getpid, n):
        pass

    class TestMethods:
        @growth
        def test_unread_method(self, n):
            pass
"""

TRACKED = """
    import pytest

    @pytest.mark.memory_budget("1 MB")
    @pytest.mark.limit_memory("1 MB")
    def test_tracked():
        pass
"""


def _run(folder):
    tests = "import pytest\n"
    for number, words in enumerate(BUDGETS):
        tests += f"@pytest.mark.memory_budget({words})\ndef test_b{number}():\n    pass\n"
    for number, words in enumerate(GROWTHS):
        tests += f"@pytest.mark.memory_growth({words})\ndef test_g{number}(n):\n    pass\n"
    write(folder, test_marks=tests, test_parameter=PARAMETER, test_tracked=TRACKED)
    write(folder, test_unread=UNREAD)
    return run_pytest(folder, "-p", "memray")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return once("marks", tmp_path_factory, _run)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *((f"test_b{number}", says) for number, says in enumerate(BUDGETS.values())),
        *((f"test_g{number}", says) for number, says in enumerate(GROWTHS.values())),
        (
            "test_late[1]",
            "memory_growth cannot be a mark of a single parameter: mark the test function.",
        ),
        ("test_method", "over='n', which is not an argument of test_method"),
        (
            "test_tracked",
            "memory_budget and limit_memory both need the only memory tracker of a process: remove "
            "one of the two markers.",
        ),
    ],
)
def test_a_marker_that_makes_no_sense_is_an_error_of_its_test(ran, name, says):
    assert ran.outcome(name) == "error"
    sentence = ran.text(name).splitlines()[1]
    assert says in sentence
    assert f" ERROR at setup of {name} ___" in ran.output.replace("TestCase.", "")
    assert "Traceback" not in ran.output


@pytest.mark.parametrize("name", ["unread", "only_written", "of_other_fixtures", "unread_method"])
def test_a_body_that_never_reads_its_size_has_failed(ran, name):
    text = ran.text(f"test_{name}[{DEFAULT}]")
    assert f"test_{name} never reads 'n', which takes the size of memory_growth" in text
    assert ran.outcome(f"test_{name}[{DEFAULT}]") == "error"


@pytest.mark.parametrize(
    "name",
    [
        *("read", "read_in_a_closure", "read_by_a_fixture", "read_by_name", "read_by_a_request"),
        *("decorated", "patched"),
    ],
)
def test_a_body_that_may_read_its_size_is_run_at_the_sizes_of_the_command(ran, name):
    assert ran.outcome(f"test_{name}[{DEFAULT}]") == "passed"


def test_a_wrong_marker_is_no_error_where_nothing_is_measured(ran):
    folder = Path(ran.folder)
    plain = run_pytest(folder, "--no-memory-lab", "-k", "test_b")
    assert plain.counts().startswith(f"{len(BUDGETS)} passed, ")
