"""Fixtures of all benchmarks: the data for the whole run, and the comparison."""

import gc
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.compare import Compare
from lab.data.inputs import posts_ready
from lab.measure.schedule import Bench

ROWS = 1_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--tenth``."""
    parser.addoption(
        "--tenth", action="store_true", help="run the benchmarks at a tenth of their sizes"
    )


@pytest.fixture(scope="session", autouse=True)
def data(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the largest table and its database server open for the whole run.

    Objects of pytest and of all imports are frozen, so that garbage collection in a round does not
    scan them.
    """
    gc.collect()
    gc.freeze()
    with posts_ready(ROWS // 10 if request.config.getoption("--tenth") else ROWS):
        yield


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Yield the bench that measures memory, in two processes side by side."""
    with Bench(2) as bench:
        yield bench


@pytest.fixture
def compare(benchmark: BenchmarkFixture, bench: Bench, request: pytest.FixtureRequest) -> Compare:
    """Return the object that compares a variant with its limit."""
    return Compare(benchmark, bench, request.config.getoption("--tenth"))
