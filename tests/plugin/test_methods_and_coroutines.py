"""Bodies that are no plain functions: methods of a TestCase, coroutines; and what has no body."""

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
        def test_cannot_grow(self):
            pass

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        async def test_awaits(self):
            await asyncio.sleep(0)
            bytearray(2_000_000)
'''

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


def test_a_case_cannot_take_a_size(cases):
    text = cases.text("test_cannot_grow")
    assert "memory_growth has over='n', which is not an argument of test_cannot_grow" in text


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
