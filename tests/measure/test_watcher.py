"""Memory outside of the measured process is seen from outside, and named."""

import contextlib
import os
import sys
import time

import psutil
import pytest

from lab.measure.process_pool import Processes
from lab.measure.workload import Function

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are seen in /proc")

HIDDEN = "tests.measure.hidden_growth:"


def elsewhere(target, n=100_000, witness="heap"):
    with Processes() as processes:
        return processes.read(Function(target).workload("n", n), witness, 60).elsewhere


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("in_a_subprocess", "python"),
        ("in_a_grandchild", "python"),
        ("in_a_pool", "a fork"),
        ("in_a_fork", "a fork"),
    ],
)
@pytest.mark.parametrize("witness", ["heap", "rss"])
def test_child_processes_are_counted_and_named(target, command, witness):
    seen = elsewhere(HIDDEN + target, n=400_000, witness=witness)
    assert 10_000_000 < seen.children < 240_000_000
    assert command in seen.commands
    assert command in str(seen)


@pytest.mark.parametrize("target", ["memory_file", "shared_memory_file"])
def test_open_files_in_memory_are_counted(target):
    assert 1_000_000 < elsewhere(HIDDEN + target, n=400_000).files <= 26_000_000


@pytest.mark.parametrize("target", ["temporary_file", "mapped_whole", "json_lines"])
def test_files_on_a_disk_and_own_memory_are_not_elsewhere(target):
    seen = elsewhere(HIDDEN + target)
    assert (seen.children, seen.commands, seen.files, str(seen)) == (0, (), 0, "")


def test_the_pool_of_arrow_is_counted():
    pytest.importorskip("pyarrow")
    assert 1_600_000 <= elsewhere(HIDDEN + "arrow_table").pool < 1_700_000


def keeps_a_child(n):
    """Leave a process behind that has left the process group."""
    if os.fork() == 0:
        os.setsid()
        held = bytearray(30_000_000)
        time.sleep(0.5)
        os._exit(len(held) == 0)
    time.sleep(0.2)
    return n


def test_a_child_of_another_session_counts_as_well():
    seen = elsewhere("tests.measure.test_watcher:keeps_a_child")
    assert 29_000_000 < seen.children < 60_000_000


def test_no_watcher_is_left():
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with Processes() as processes:
        workload = Function(HIDDEN + "in_a_fork").workload("n", 1_000)
        for _ in range(3):
            processes.read(workload, "heap", 60)
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def writes_into_every_pipe_and_has_a_child(n):
    """Write what a signal may look like, while a child process holds memory."""
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"." * 100)
    child = os.fork()
    if child == 0:
        held = bytearray(30_000_000)
        time.sleep(0.3)
        os._exit(len(held) % 2)
    os.waitpid(child, 0)


def test_a_target_cannot_end_the_watch():
    seen = elsewhere(f"{__name__}:writes_into_every_pipe_and_has_a_child")
    assert 29_000_000 < seen.children < 60_000_000
