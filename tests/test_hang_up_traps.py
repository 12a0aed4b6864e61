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
from tests.helpers import wait_until

pytestmark = pytest.mark.usefixtures("whole_table")


def test_a_trap_leaves_no_process_and_no_connection():
    """What the abandoned generators held is given back when their server ends."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    hang_ups.abandoned_generators_keep_connections()
    started = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert not started
    # Other workers have servers of their own, which come and go.
    assert wait_until(lambda: not of_ended_processes())


def of_ended_processes():
    """List the connections of processes that are not there any more."""
    with database() as engine, engine.connect() as connection:
        named = connection.scalars(text("select application_name from pg_stat_activity")).all()
    ours = [name for name in named if name.startswith("memory-lab-")]
    return [name for name in ours if not psutil.pid_exists(int(name.rpartition("-")[2]))]


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
    if sys.version_info >= (3, 12):
        assert ended.returncode == 0
    elif sys.version_info[:3] <= (3, 11, 7):
        assert ended.returncode == -signal.SIGSEGV
    else:
        pytest.skip("the page does not say what a later 3.11 does")
