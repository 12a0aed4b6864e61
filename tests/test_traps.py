"""Every trap springs on real parts, is explained, and leaves nothing behind."""

import tempfile
from collections import Counter

import psutil
import pytest
from sqlalchemy import text

from lab.data.database import database
from lab.traps import TRAPS
from tests.helpers import wait_until

pytestmark = pytest.mark.usefixtures("whole_table")

SLOW = {"hang-ups-end-the-export"}
"""It ends a server process as often as it takes."""

EVERY = [
    pytest.param(trap, id=trap.name, marks=[pytest.mark.slow] if trap.name in SLOW else [])
    for trap in TRAPS
]


@pytest.mark.parametrize("trap", EVERY)
def test_a_trap_springs_and_leaves_nothing(trap, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = psutil.Process().children(recursive=True)
    sprung = trap.spring()
    assert sprung.holds, sprung
    assert not list(tmp_path.iterdir())
    assert not set(psutil.Process().children(recursive=True)) - set(before)
    # Another worker may be in the middle of the trap that makes one.
    assert wait_until(lambda: not trap_schemas())


def trap_schemas():
    found = text("select nspname from pg_namespace where nspname like 'memory_lab_trap_%'")
    with database() as engine, engine.connect() as connection:
        return list(connection.scalars(found))


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_a_trap_is_explained(trap):
    assert trap.label.endswith(".")
    assert len(trap.label) < 90
    assert 1 <= len(trap.explanation.splitlines()) <= 6
    assert trap.said


def test_traps_have_names_of_their_own():
    assert not [name for name, n in Counter(t.name for t in TRAPS).items() if n > 1]
