"""What all benchmarks share: the data, held for the whole run, and what compares."""

import gc
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.compare import Compare
from lab.data.worlds import posts_ready
from lab.measure.sweep import Bench

ROWS = 1_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for a quick look."""
    parser.addoption(
        "--tenth", action="store_true", help="run the benchmarks at a tenth of their sizes"
    )


@pytest.fixture(scope="session", autouse=True)
def data(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold the largest table and its server open for the whole run.

    What pytest and all imports have made is taken out of the garbage collector's sight: a round
    should not pay for looking at it.
    """
    gc.collect()
    gc.freeze()
    with posts_ready(ROWS // 10 if request.config.getoption("--tenth") else ROWS):
        yield


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Yield where memory is looked at: two processes side by side."""
    with Bench(2) as bench:
        yield bench


@pytest.fixture
def compare(benchmark: BenchmarkFixture, bench: Bench, request: pytest.FixtureRequest) -> Compare:
    """Return what compares a variant with its limit."""
    return Compare(benchmark, bench, request.config.getoption("--tenth"))
