"""Traps about hang-ups leave nothing open, and do not hold for a server that works."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from lab.data.database import database
from lab.traps import hang_ups_and_slow_clients
from lab.traps.lesson_server import LessonServer
from tests.helpers import wait_until

pytestmark = pytest.mark.usefixtures("whole_table")


def test_a_trap_leaves_no_process_and_no_connection():
    """The connections of abandoned generators are released when their server ends."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    hang_ups_and_slow_clients.abandoned_generators_keep_connections()
    started = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert not started
    # Other test processes start and stop servers meanwhile.
    assert wait_until(lambda: not of_ended_processes())


def of_ended_processes():
    """Return the names of connections whose process has ended."""
    with database() as engine, engine.connect() as connection:
        names = connection.scalars(text("select application_name from pg_stat_activity")).all()
    ours = [name for name in names if name.startswith("memory-lab-")]
    return [name for name in ours if not psutil.pid_exists(int(name.rpartition("-")[2]))]


def test_the_trap_about_hang_ups_does_not_hold_without_an_error(monkeypatch):
    fine = hang_ups_and_slow_clients.AfterHangUps(8, signal=0, errors=0, open_transactions=0)
    monkeypatch.setattr(hang_ups_and_slow_clients, "hang_up", lambda *_: fine)
    demonstration = hang_ups_and_slow_clients.hang_ups_end_the_export()
    assert not demonstration.holds
    version = sys.version.split()[0]
    assert demonstration.wrong.startswith(f"Python {version}: alive after 8 hang-ups")


@pytest.mark.slow
def test_the_trap_about_generators_does_not_hold_without_open_transactions(monkeypatch):
    monkeypatch.setattr(LessonServer, "open_transactions", lambda _: 0)
    assert not hang_ups_and_slow_clients.abandoned_generators_keep_connections().holds


def test_the_page_shows_what_ends_python_3_11():
    """A collection in the middle of an assignment corrupts memory on 3.11 only."""
    page = (Path(__file__).parents[2] / "docs/streams.md").read_text(encoding="utf-8")
    (program,) = (part for part in page.split("```") if part.startswith("python\nimport gc"))
    code = program.removeprefix("python\n")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    if sys.version_info >= (3, 12):
        assert ended.returncode == 0
    elif sys.version_info[:3] <= (3, 11, 7):
        assert ended.returncode == -signal.SIGSEGV
    else:
        pytest.skip("the page does not say what a later 3.11 does")
