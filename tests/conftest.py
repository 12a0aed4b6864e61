"""A home of its own for the whole run, shared by its workers and removed at the end."""

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from lab.data.database import database
from lab.data.seed import build, drop
from lab.measure.reading_store import ReadingStore
from lab.measure.schedule import Bench, Schedule
from tests.helpers import WHOLE_TABLE

_HOME = "MEMORY_LAB_TEST_HOME"


def pytest_configure(config: pytest.Config) -> None:
    """Make the home once, before any worker starts, where the server's account can enter it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background of a script; the commands under test would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        home = tempfile.mkdtemp(prefix="memory-lab-tests-")
        Path(home).chmod(0o755)
        os.environ[_HOME] = os.environ["MEMORY_LAB_HOME"] = home
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("MEMORY_LAB_SCHEMA", None)
        os.environ.setdefault("MEMORY_LAB_CURVES", str(Path(home, "curves")))


LEFT_OUT = pytest.StashKey[Counter[str]]()
RUN_BY = {
    "slow": "make test-slow",
    "full": "make everything",
    "faults": "make test-faults",
    "notebooks": "make test-notebooks",
    "browser": "make test-browser",
    "install": "make test-install",
    "neighbours": "make test-neighbours",
}
"""The marker of tests that a run may leave out, and the command that runs them."""


LONGEST = ("load", "course", "plugin", "budgets", "commands", "measure", "patterns", "traps")
"""Folders whose files take longest. They go first, so that no worker ends long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files: those of `LONGEST` first; `--no-loadscope-reorder` keeps this order."""
    ranks = {folder: rank for rank, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))


@pytest.hookimpl
def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count what the run leaves out, by the first marker that says who runs it."""
    for item in items:
        marker = next((name for name in reversed(RUN_BY) if item.get_closest_marker(name)), "")
        item.config.stash.setdefault(LEFT_OUT, Counter())[marker] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the count of a worker to the process that prints the summary."""
    if hasattr(session.config, "workeroutput"):
        left_out = session.config.stash.get(LEFT_OUT, Counter())
        session.config.workeroutput["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the count of a worker; all workers leave out the same."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", {})
    node.config.stash[LEFT_OUT] = Counter(left_out)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was left out, and what runs it."""
    for marker, count in sorted(config.stash.get(LEFT_OUT, Counter()).items()):
        if marker:
            terminalreporter.write_line(f"left out: {count} {marker} ({RUN_BY[marker]})")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it when the last worker has gone; its server stops by itself before that."""
    if not hasattr(config, "workerinput"):
        _wait_for_the_server()
        shutil.rmtree(os.environ[_HOME], ignore_errors=True)


def _wait_for_the_server() -> None:
    import fcntl

    lock = Path(os.environ[_HOME], "postgresql", "supervised.lock")
    if lock.exists():
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)


@pytest.fixture(scope="session")
def whole_table() -> Iterator[int]:
    """Hold the server open with a table of posts; the number of its rows."""
    with database() as engine:
        build(engine, WHOLE_TABLE)
        yield WHOLE_TABLE


@pytest.fixture
def own_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine on a schema for one test alone, dropped afterwards."""
    monkeypatch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
    with database() as engine:
        yield engine
        drop(engine)


@pytest.fixture
def alone() -> Schedule:
    """One process at a time, since the workers of the suite share the cores.

    Readings of the lab's variants are shared with all tests of the run: each is taken once.
    """
    return Schedule(parallel=1, store=ReadingStore(Path(os.environ["MEMORY_LAB_CURVES"])))


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """The measuring processes of this worker, in the environment of the whole run."""
    with Bench(1) as bench:
        yield bench


@pytest.fixture
def kept_processes(alone: Schedule, bench: Bench) -> Schedule:
    """As `alone`, with the processes of earlier tests, which have the environment of the run."""
    return replace(alone, bench=bench)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for one test alone, which the server's account can enter."""
    home = Path(tempfile.mkdtemp(prefix="memory-lab-own-"))
    home.chmod(0o755)
    monkeypatch.setenv("MEMORY_LAB_HOME", str(home))
    yield home
    shutil.rmtree(home, ignore_errors=True)
