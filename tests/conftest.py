"""A home of its own for the whole run, shared by its workers and removed at the end."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from lab.data.database import database
from lab.data.seed import build, drop
from lab.measure.sweep import Schedule
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
    """One process at a time: the workers of the suite share the cores already."""
    return Schedule(parallel=1)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for one test alone, which the server's account can enter."""
    home = Path(tempfile.mkdtemp(prefix="memory-lab-own-"))
    home.chmod(0o755)
    monkeypatch.setenv("MEMORY_LAB_HOME", str(home))
    yield home
    shutil.rmtree(home, ignore_errors=True)
