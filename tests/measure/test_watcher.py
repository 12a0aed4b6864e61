"""Memory outside of the measured process is seen from outside, and named."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from tempfile import TemporaryDirectory, TemporaryFile

import psutil
import pytest

from lab.errors import LabError
from lab.measure.process_pool import Processes
from lab.measure.watcher import children
from lab.measure.workload import Function
from tests.helpers import processes_naming, wait_until

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


@contextlib.contextmanager
def after_a_higher_peak(n):
    import pyarrow

    pyarrow.array(range(10 * n))
    yield n


def test_an_earlier_peak_of_the_pool_hides_nothing():
    """As that of a set-up that has made the data in the same process."""
    pytest.importorskip("pyarrow")
    function = Function(HIDDEN + "arrow_table", f"{__name__}:after_a_higher_peak")
    with Processes() as processes:
        seen = processes.read(function.workload("n", 100_000), "heap", 60).elsewhere
    assert 1_600_000 <= seen.pool < 1_700_000


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


def starts_programs(n):
    """Start programs that end at once, from a process that holds 60 MB and has many threads."""
    with ThreadPoolExecutor(4) as pool:
        for _ in range(n):
            list(pool.map(subprocess.run, [["true"]] * 4))


_HELD = bytearray()


@contextlib.contextmanager
def holding_60_megabytes(n):
    _HELD[:] = bytes(60_000_000)
    yield n


def test_a_program_that_starts_does_not_count_with_the_memory_of_who_starts_it():
    with Processes() as processes:
        function = Function(f"{__name__}:starts_programs", f"{__name__}:holding_60_megabytes")
        for _ in range(5):
            seen = processes.read(function.workload("n", 30), "rss", 60).elsewhere
            assert seen.children < 30_000_000


def fills_a_file(n):
    """Write 20 bytes for each item into a file in the temporary folder."""
    with TemporaryFile() as file:
        file.write(bytes(20 * n))
        file.flush()
        time.sleep(0.05)
    return n


def test_files_in_memory_are_counted_wherever_they_are_but_in_the_folder_of_the_run(monkeypatch):
    """Also in a temporary folder whose name is like that of one of the lab's."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("there is no file system in memory at /dev/shm")
    with TemporaryDirectory(prefix="memory-lab-", dir="/dev/shm") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", None)
        assert elsewhere(f"{__name__}:fills_a_file").files >= 2_000_000
        assert elsewhere(HIDDEN + "json_lines").files == 0


def leaves_a_process(n):
    """Leave a process of a session of its own, which nothing else can end."""
    subprocess.Popen(["sleep", "3973"], start_new_session=True)
    return n


def leaves_a_process_and_sleeps(n):
    leaves_a_process(n)
    time.sleep(600)


def test_nothing_that_a_target_has_started_is_left():
    with Processes() as processes:
        workload = Function(f"{__name__}:leaves_a_process").workload("n", 10)
        for _ in range(2):
            processes.read(workload, "rss", 60)
        assert wait_until(lambda: not processes_naming("sleep", "3973"))
        workload = Function(f"{__name__}:leaves_a_process_and_sleeps").workload("n", 10)
        assert processes.read(replace(workload, warm_up=None), "rss", 2).error
    assert wait_until(lambda: not processes_naming("sleep", "3973"))


def ends_its_siblings(n):
    """Kill all other children of the parent: one of them is the watcher."""
    for pid in children(os.getppid()):
        if pid != os.getpid():
            os.kill(pid, signal.SIGKILL)
    return n


def test_a_watcher_that_was_ended_is_an_error():
    """Without it nobody knows what the run had elsewhere."""
    with pytest.raises(LabError, match=r"the process that watched .* ended before it"):
        elsewhere(f"{__name__}:ends_its_siblings")


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
