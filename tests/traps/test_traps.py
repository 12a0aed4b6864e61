"""Every trap is demonstrated on real parts, is explained, and leaves nothing behind."""

import tempfile
from collections import Counter

import psutil
import pytest
from sqlalchemy import text

from lab.data.database import database
from lab.traps import TRAPS
from tests.helpers import wait_until

pytestmark = pytest.mark.usefixtures("whole_table")

SLOW = {
    "hang-ups-end-the-export",
    "expire-all-is-not-needed",
    "expiring-in-mid-batch-asks-again",
    "iterating-loads-everything",
    "edited-objects-stay",
    "everybody-gets-200-and-most-die",
    "unordered-pages-lose-rows",
    "kept-objects-stay",
    "abandoned-generators-keep-connections",
    "joined-chunks-are-held-whole",
    "never-awaiting-freezes-the-server",
    "cycles-wait-for-the-collector",
    "a-yield-per-row-is-a-trip-per-row",
    "slow-readers-do-not-fill-memory",
    "closed-sessions-open-again",
    "small-files-cost-several-times-their-size",
    "lines-without-end-are-held-whole",
    "middleware-hides-the-broken-end",
    "authorised-too-late",
    "lazy-authors-ask-again",
    "killed-imports-leave-rows",
}
"""Traps that take two seconds or more; CI demonstrates every trap in `make docs-check`."""

EVERY = [
    pytest.param(trap, id=trap.name, marks=[pytest.mark.full] if trap.name in SLOW else [])
    for trap in TRAPS
]


@pytest.mark.parametrize("trap", EVERY)
def test_a_trap_is_demonstrated_and_leaves_nothing(trap, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = psutil.Process().children(recursive=True)
    demonstration = trap.demonstrate()
    assert demonstration.holds, demonstration
    assert not list(tmp_path.iterdir())
    assert not set(psutil.Process().children(recursive=True)) - set(before)
    # Another test process may be running the trap that makes such a schema.
    assert wait_until(lambda: not trap_schemas())


def test_those_that_are_slow_exist():
    assert {trap.name for trap in TRAPS} >= SLOW


def trap_schemas():
    query = text("select nspname from pg_namespace where nspname like 'memory_lab_trap_%'")
    with database() as engine, engine.connect() as connection:
        return list(connection.scalars(query))


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_a_trap_is_explained(trap):
    assert trap.label.endswith(".")
    assert len(trap.label) < 90
    assert 1 <= len(trap.explanation.splitlines()) <= 6
    assert trap.said


def test_no_two_traps_have_the_same_name():
    assert not [name for name, n in Counter(t.name for t in TRAPS).items() if n > 1]
