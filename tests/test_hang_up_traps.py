"""Traps about streamed responses leave nothing open, and would not spring if all were well."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from lab.data.database import database
from lab.traps import hang_ups

pytestmark = pytest.mark.usefixtures("whole_table")


def test_a_trap_leaves_no_process_and_no_connection():
    """What the abandoned generators held is given back when their server ends."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    hang_ups.abandoned_generators_keep_connections()
    started = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert not started
    ours = text("select pid from pg_stat_activity where query like '%pg_sleep(0.05)%'")
    others = text(f"{ours} and pid <> pg_backend_pid()")
    with database() as engine, engine.connect() as connection:
        assert connection.scalars(others).all() == []


def test_a_server_that_lived_without_an_error_would_not_spring(monkeypatch):
    fine = hang_ups.HungUp(8, signal=0, errors=0, left=0)
    monkeypatch.setattr(hang_ups, "hang_up", lambda *_: fine)
    sprung = hang_ups.hang_ups_end_the_export()
    assert not sprung.holds
    assert sprung.wrong.startswith(f"Python {sys.version.split()[0]}: alive after 8 hang-ups")


def test_a_plain_response_that_closed_would_not_spring(monkeypatch):
    monkeypatch.setattr(hang_ups.Site, "open_transactions", lambda _: 0)
    assert not hang_ups.abandoned_generators_keep_connections().holds


def test_the_page_shows_what_ends_python_3_11():
    """The collector in the midst of an assignment: memory is corrupted on 3.11 only."""
    page = (Path(__file__).parent.parent / "docs/streams.md").read_text(encoding="utf-8")
    (program,) = (part for part in page.split("```") if part.startswith("python\nimport gc"))
    code = program.removeprefix("python\n")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    dies = sys.version_info < (3, 12)
    assert ended.returncode == (-signal.SIGSEGV if dies else 0)
