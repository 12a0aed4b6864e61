"""Every trap about uploads and files springs, and leaves nothing behind."""

import tempfile

import pytest
from sqlalchemy import text

from lab.data.database import database
from lab.traps.uploads import UPLOAD_TRAPS

pytestmark = pytest.mark.usefixtures("whole_table")

traps = pytest.mark.parametrize("trap", UPLOAD_TRAPS, ids=lambda t: t.name)


@traps
def test_a_trap_springs_and_leaves_nothing(trap, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    sprung = trap.spring()
    assert sprung.holds, sprung
    assert not list(tmp_path.iterdir())
    assert not trap_schemas()


@traps
def test_a_trap_is_explained(trap):
    assert trap.label.endswith(".")
    assert len(trap.label) < 90
    assert 2 <= len(trap.explanation.splitlines()) <= 6
    assert trap.said


def trap_schemas():
    found = text("select nspname from pg_namespace where nspname like 'memory_lab_trap_%'")
    with database() as engine, engine.connect() as connection:
        return list(connection.scalars(found))
