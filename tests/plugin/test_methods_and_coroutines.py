"""Bodies that are no plain functions: methods of a TestCase, coroutines; and what has no body."""

from pathlib import Path

import pytest

from tests.plugin.plugin_runs import once, run_pytest, write

CASES = '''
    """
    >>> 1 + 1
    2
    """

    import asyncio
    import os
    import unittest

    import pytest

    pytestmark = pytest.mark.memory_budget("2 MB")

    class TestPlain(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.large = bytearray(5_000_000)

        def setUp(self):
            self.also = bytearray(5_000_000)

        def tearDown(self):
            bytearray(5_000_000)

        def test_small(self):
            bytearray(1_000_000)

        def test_large(self):
            bytearray(2_000_000)

        def test_unequal(self):
            self.assertEqual(1, 2)

        def test_sub(self):
            for n in (1, 2):
                with self.subTest(n=n):
                    bytearray(2_000_000)

        @unittest.skip("not this")
        def test_skipped_case(self):
            os._exit(1)

        @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
        def test_no_size(self):
            pass

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        async def test_awaits(self):
            await asyncio.sleep(0)
            bytearray(2_000_000)
'''

SIZED_CASES = """
    import asyncio
    import os
    import unittest
    from pathlib import Path
    from unittest import mock

    import pytest

    growth = pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")

    class Base(unittest.TestCase):
        def setUp(self):
            self.large = bytearray(5_000_000)

    @growth
    class TestSized(Base):
        def test_flat_case(self, n):
            for i in range(n):
                float(i)

        def test_grows_case(self, n):
            kept = bytearray(10 * n)

        @mock.patch("os.getpid", return_value=7)
        def test_grows_patched(self, getpid, n):
            self.assertEqual(os.getpid(), 7)
            kept = bytearray(10 * n)

        def test_grows_in_sub_tests(self, n):
            for part in range(2):
                with self.subTest(part=part):
                    bytearray(10 * n)

        @unittest.skip("not this")
        def test_skipped_case(self, n):
            os._exit(1)

        def test_unread_case(self, n):
            pass

        @growth
        def test_without_a_default(self, n=5):
            self.assertGreaterEqual(n, 4_000)

    class TestSizedLater(TestSized):
        def test_flat_case(self, n):
            with open(os.environ["SIZES"], "a") as file:
                print(n, file=file)

    class TestSizedAsync(unittest.IsolatedAsyncioTestCase):
        @growth
        async def test_grows_async_case(self, n):
            await asyncio.sleep(0)
            kept = bytearray(10 * n)
"""

ASYNC = """
    import asyncio

    import pytest
    {imports}

    pytestmark = [{mark}pytest.mark.memory_budget("2 MB")]

    @{fixture}
    async def served():
        yield bytearray(5_000_000)

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    async def test_small_async(served):
        await asyncio.sleep(0)
        bytearray(1_000_000)

    async def test_large_async():
        await asyncio.sleep(0)
        bytearray(2_000_000)

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    async def test_grows_async(n):
        await asyncio.sleep(0)
        bytearray(10 * n)
"""

ASYNCIO = {"imports": "import pytest_asyncio", "fixture": "pytest_asyncio.fixture"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    def run(folder):
        return run_pytest(write(folder, test_cases=CASES), "--doctest-modules")

    return once("cases", tmp_path_factory, run)


def test_a_case_is_measured_without_its_set_up(cases):
    assert cases.outcome("test_small") == "passed"
    assert cases.outcome("test_large") == "failed"
    assert cases.peak("test_large") < 2_100_000


def test_a_case_is_reported_as_ever(cases):
    assert "AssertionError: 1 != 2" in cases.text("test_unequal")
    assert cases.outcome("test_skipped_case") == "skipped"
    assert cases.outcome("test_sub") == "failed"
    assert cases.outcome("test_awaits") == "failed"


def test_a_size_needs_an_argument_of_the_method(cases):
    text = cases.text("test_no_size")
    assert "memory_growth has over='n', which is not an argument of test_no_size" in text


@pytest.fixture(scope="module")
def sized_cases(tmp_path_factory):
    def run(folder):
        project = write(folder, test_sized=SIZED_CASES)
        return run_pytest(project, SIZES=str(folder / "sizes"))

    return once("sized-cases", tmp_path_factory, run)


@pytest.mark.parametrize(
    ("name", "outcome", "says"),
    [
        ("test_flat_case", "passed", ""),
        ("test_without_a_default", "passed", ""),
        ("test_grows_case", "failed", "O(1) broken: grows with n: 10.0 B per item"),
        ("test_grows_patched", "failed", "O(1) broken: grows with n: 10.0 B per item"),
        ("test_grows_in_sub_tests", "failed", "O(1) broken: grows with n: 10.0 B per item"),
        ("test_grows_async_case", "failed", "O(1) broken: grows with n: 10.0 B per item"),
        ("test_skipped_case", "skipped", "not this"),
        ("test_unread_case", "error", "test_unread_case never reads 'n'"),
    ],
)
def test_a_method_of_a_case_grows_as_a_function_does(sized_cases, name, outcome, says):
    assert sized_cases.outcome(name) == outcome
    assert says in sized_cases.text(name)


def test_a_method_of_a_case_gets_each_size_and_is_warmed_up_at_a_smaller_one(sized_cases):
    sizes = [int(line) for line in Path(sized_cases.folder, "sizes").read_text().split()]
    expected = [4_000] * 5 + [8_000, 16_000, 32_000, 64_000, 128_000]
    assert sorted(sizes) == expected


def test_a_method_of_a_case_gets_the_smallest_size_where_nothing_is_measured(tmp_path):
    file, project = tmp_path / "sizes", write(tmp_path, test_sized=SIZED_CASES)
    plain = run_pytest(project, "--no-memory-lab", SIZES=str(file))
    assert file.read_text() == "8000\n"
    assert plain.outcome("test_grows_async_case") == "passed"
    assert plain.counts() == "13 passed, 2 skipped"


def test_doctests_are_not_measured(cases):
    assert cases.outcome("test_cases") == "passed"
    assert cases.tests["test_cases"]["properties"] == {}


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (ASYNC.format(mark="pytest.mark.asyncio, ", **ASYNCIO), "-p asyncio"),
        (ASYNC.format(mark="", **ASYNCIO), "-p asyncio --asyncio-mode=auto"),
        (
            ASYNC.format(imports="", mark="pytest.mark.anyio, ", fixture="pytest.fixture"),
            "-p anyio",
        ),
    ],
    ids=["asyncio-strict", "asyncio-auto", "anyio"],
)
def test_coroutines_are_measured_by_whatever_runs_them(tmp_path, module, words):
    ran = run_pytest(write(tmp_path, test_async=module), *words.split())
    grows = ran.text("test_grows_async[n=8000..128000]")
    assert ran.outcome("test_small_async") == "passed"
    assert ran.outcome("test_large_async") == "failed"
    assert "O(1) broken: grows with n: 10.0 B per item" in grows
