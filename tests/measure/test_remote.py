"""Sweeps on the workers of an executor: the same figures, the same errors, nothing left behind."""

import json
import multiprocessing
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from distributed import Client

import lab
from lab.errors import LabError
from lab.measure.environment import environment
from lab.measure.remote.dask import dask_executor
from lab.measure.remote.worker import RemoteJob, take
from lab.measure.schedule import Schedule
from lab.measure.workload import Function
from lab.patterns.rows import PATTERN as ROWS
from lab.variants import DifferentAnswersError, sweep_variants, variant_workload
from tests.helpers import run_lab, wait_until

TOLERANCE = 65_536
SIZES = (250, 500, 1_000, 2_000)
KILLED = "mine:kill_the_worker"

MINE = """
import os, signal, time
from pathlib import Path
import psutil

HERE = Path(__file__).parent

def kept(n):
    return [float(i) for i in range(n)]

def sleep(n):
    time.sleep(600)

def fail_or_sleep(n):
    if n == 1:
        raise RuntimeError("no such luck")
    time.sleep(600)

def meet(n):
    (HERE / f"met-{os.getpid()}").touch()
    while len(list(HERE.glob("met-*"))) < 2:
        time.sleep(0.01)

def alone(n):
    occupied = HERE / "occupied"
    occupied.touch(exist_ok=False)
    time.sleep(0.2)
    occupied.unlink()

def kill_the_worker(n):
    fork_server, worker = psutil.Process().parents()[:2]
    os.kill(worker.pid, signal.SIGKILL)
    time.sleep(600)

def kill_one_worker(n):
    try:
        (HERE / "killed").touch(exist_ok=False)
    except FileExistsError:
        return kept(n)
    kill_the_worker(n)
"""


@dataclass
class Dask:
    """A scheduler on loopback and its workers, as processes of their own."""

    address: str
    folder: Path
    workers: list[psutil.Popen]

    def measuring(self) -> list[psutil.Process]:
        """Return what is measured, or kept for it, below the workers."""
        below = [p for worker in self.workers for p in worker.children(recursive=True)]
        return [p for p in below if "lab.measure.fork_server" in _words(p)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def _dask(folder: Path, *words: str) -> Iterator[psutil.Popen]:
    with (folder / f"{words[0]}-{uuid4().hex}.log").open("wb") as log:
        process = psutil.Popen(
            [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        below = process.children(recursive=True) if process.is_running() else []
        process.terminate()
        try:
            process.wait(20)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()
        _, left = psutil.wait_procs(below, 10)
        for each in left:
            each.kill()


@contextmanager
def dask_of(folder: Path, count: int) -> Iterator[Dask]:
    """Start a scheduler and so many workers in a folder; end them all."""
    with ExitStack() as stack:
        file = folder / "scheduler.json"
        wanted = ("--port", "0", "--scheduler-file", str(file))
        found = [stack.enter_context(_dask(folder, "scheduler", *wanted))]
        assert wait_until(lambda: file.exists() and file.read_text().endswith("}"), 60)
        address = json.loads(file.read_text())["address"]
        room = ("--nthreads", "1", "--memory-limit", "0", "--local-directory", str(folder))
        for _ in range(count):
            found.append(stack.enter_context(_dask(folder, "worker", address, *room)))
        with Client(address, timeout=60, set_as_default=False) as client:
            wait_until(lambda: len(client.nthreads()) == count, 120)
        yield Dask(address, folder, found[1:])


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Somebody's project, in which workers are started."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "mine.py").write_text(MINE)
    return folder


@pytest.fixture(scope="module")
def dask(project) -> Iterator[Dask]:
    """Two workers for all tests of this file that leave them alive, or that Dask revives."""
    with dask_of(project, 2) as found:
        yield found


@pytest.fixture
def on_dask(dask) -> Iterator[Schedule]:
    with dask_executor(dask.address) as executor:
        yield Schedule(executor=executor)


@pytest.fixture
def here(project, monkeypatch) -> Path:
    """The project as the current folder, without what an earlier test put there."""
    for mark in (*project.glob("met-*"), project / "killed", project / "occupied"):
        mark.unlink(missing_ok=True)
    monkeypatch.chdir(project)
    return project


def process_pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, process_pool])
def test_any_executor_finds_what_this_machine_finds(here, alone, pool):
    local = lab.sweep("mine:kept", sizes=SIZES, schedule=alone)
    with pool(2) as executor:
        there = lab.sweep("mine:kept", sizes=SIZES, schedule=Schedule(2, executor=executor))
    for ours, theirs in zip(local.points, there.points, strict=True):
        assert abs(ours.peak_heap_bytes - theirs.peak_heap_bytes) <= TOLERANCE
        assert ours.digest == theirs.digest


@pytest.mark.slow
def test_a_pattern_on_dask_has_the_curve_and_the_verdict_it_has_here(whole_table, on_dask, alone):
    sizes = lab.doubling(500, 8_000)
    variants = [ROWS["load_all"], ROWS["yield_per"]]
    local = sweep_variants(ROWS, variants, "rows", sizes=sizes, schedule=alone)
    there = sweep_variants(ROWS, variants, "rows", sizes=sizes, schedule=on_dask)
    for variant in variants:
        ours, theirs = local[variant.name], there[variant.name]
        for mine, other in zip(ours.points, theirs.points, strict=True):
            room = max(TOLERANCE, mine.peak_heap_bytes * 0.05)
            assert abs(mine.peak_heap_bytes - other.peak_heap_bytes) <= room
            assert mine.digest == other.digest
        held = [lab.verdict(curve, variant.peak).finding for curve in (ours, theirs)]
        assert held[0] == held[1]


def test_a_worker_makes_the_data_that_a_point_needs(own_home):
    """Two at once, in a database that does not exist yet."""
    workload = variant_workload(ROWS, ROWS["load_all"], {"rows": 200})
    with ThreadPoolExecutor(2) as executor:
        found = list(executor.map(take, [remote_job(workload), remote_job(workload)]))
    assert [reading.counts["rows"] for reading in found] == [200, 200]
    assert found[0].digest == found[1].digest


@pytest.mark.slow
def test_memory_is_taken_on_both_workers_at_once(here, on_dask):
    curve = lab.sweep("mine:meet", sizes=(1, 2), schedule=replace(on_dask, timeout=60))
    assert curve.overall_error is None


def test_times_are_taken_alone(here, on_dask):
    """Two at once would fail, as the same function does when its mark is there already."""
    curve = lab.sweep("mine:alone", sizes=(1, 2, 3), witnesses=("seconds",), schedule=on_dask)
    assert curve.overall_error is None
    (here / "occupied").touch()
    with pytest.raises(LabError, match="FileExistsError"):
        lab.sweep("mine:alone", sizes=(1, 2), witnesses=("seconds",), schedule=on_dask)


def test_the_timeout_of_a_point_holds_on_a_worker(here, dask, on_dask):
    curve = lab.sweep("mine:sleep", sizes=(1, 2), schedule=replace(on_dask, timeout=2))
    assert curve.points[0].error == "not finished after 2 s"
    assert curve.points[1].error is not None
    assert wait_until(lambda: not dask.measuring())


def test_an_error_is_what_it_is_here_and_ends_the_others(here, dask, on_dask, alone):
    with pytest.raises(LabError) as local:
        lab.sweep("mine:fail_or_sleep", sizes=(1, 2), schedule=alone)
    with pytest.raises(LabError) as there:
        lab.sweep("mine:fail_or_sleep", sizes=(1, 2), schedule=on_dask)
    assert (
        str(there.value)
        == str(local.value)
        == "mine:fail_or_sleep raised RuntimeError: no such luck"
    )
    assert there.value.details == local.value.details
    assert wait_until(lambda: not dask.measuring())


@pytest.mark.parametrize("kind", [LabError, DifferentAnswersError])
def test_errors_survive_the_journey(kind):
    error = pickle.loads(pickle.dumps(kind("one sentence.", "and\nmore")))  # noqa: S301 - ours
    assert (str(error), error.details) == ("one sentence.", "and\nmore")
    assert error.exit_code == kind.exit_code


def test_ctrl_c_ends_what_the_workers_measure(here, dask):
    command = [sys.executable, "-m", "lab.cli", "measure", "mine:sleep", "--claim=O(1)"]
    process = subprocess.Popen(
        [*command, "--sizes=1,2,4", f"--dask={dask.address}"], stderr=subprocess.PIPE, text=True
    )
    assert wait_until(lambda: len(dask.measuring()) >= 4, 60)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "lab: stopped.\n")
    assert wait_until(lambda: not dask.measuring())


@pytest.mark.slow
def test_another_worker_takes_over_from_one_that_is_killed(here, dask, on_dask, alone):
    curve = lab.sweep("mine:kill_one_worker", sizes=SIZES, schedule=on_dask)
    assert (here / "killed").exists()
    local = lab.sweep("mine:kept", sizes=SIZES, schedule=alone)
    assert [point.digest for point in curve.points] == [point.digest for point in local.points]


@pytest.mark.slow
def test_a_point_that_kills_every_worker_is_a_sentence(here, on_dask):
    with pytest.raises(LabError, match=r"no worker could measure mine:kill_the_worker: Killed"):
        lab.sweep(KILLED, sizes=(1,), schedule=on_dask)


def test_an_engine_that_cannot_replace_a_worker_says_so(here):
    with process_pool(1) as executor, pytest.raises(LabError, match="ProcessPoolExecutor does not"):
        lab.sweep(KILLED, sizes=(1,), schedule=Schedule(1, executor=executor))


@pytest.mark.slow
def test_a_scheduler_that_dies_is_a_sentence(here, tmp_path):
    (tmp_path / "mine.py").write_text(
        MINE.replace("time.sleep(600)", "_end()")
        + """
def _end():
    os.kill(int((HERE / "pid").read_text()), signal.SIGKILL)
    time.sleep(600)
"""
    )
    with dask_of(tmp_path, 1) as mortal, dask_executor(mortal.address) as executor:
        scheduler = next(
            p for p in psutil.Process().children() if str(tmp_path / "scheduler.json") in _words(p)
        )
        (tmp_path / "pid").write_text(str(scheduler.pid))
        gone = rf"the Dask scheduler at {mortal.address} ended"
        with pytest.raises(LabError, match=gone):
            lab.sweep("mine:sleep", sizes=(1, 2), schedule=Schedule(executor=executor))


@pytest.mark.slow
def test_a_scheduler_without_workers_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("lab.measure.remote.dask.PATIENCE", 1.0)
    with (
        dask_of(tmp_path, 0) as empty,
        dask_executor(empty.address) as executor,
        pytest.raises(LabError, match=r"has had no worker for 1 s: start one with `dask worker"),
    ):
        lab.sweep("mine:kept", sizes=(1, 2), schedule=Schedule(executor=executor))


def test_workers_with_other_versions_are_refused():
    other = {**environment(), "memray": "0.1"}
    with pytest.raises(LabError, match=r"has memray .* was started with 0\.1: .* do not compare"):
        take(replace(remote_job(Function("mine:kept").workload("n", 1)), environment=other))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "--dask 127.0.0.1:8786",
            "'127.0.0.1:8786' is not an address of a Dask scheduler: write tcp",
        ),
        ("--dask tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1"),
        ("--dask tcp://127.0.0.1:99999", "no Dask scheduler answers at tcp://127.0.0.1:99999"),
        (
            "--dask tcp://127.0.0.1:1 --cap 1GB",
            "--dask is for curves, and a run under a cap has none",
        ),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(words, says):
    claim = () if "--cap" in words else ("--claim", "O(1)")
    result = run_lab("measure", "json:dumps", "--sizes", "1,2,4", *claim, *words.split())
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_number_of_processes_is_that_of_the_workers(dask):
    words = ("--claim", "O(1)", "--dask", dask.address, "--jobs", "2")
    result = run_lab("measure", "json:dumps", *words)
    assert result.returncode == 2
    assert "the number of workers sets the parallelism" in result.stderr


@pytest.mark.slow
def test_certificates_that_are_wanted_and_missing_are_a_sentence(dask):
    with (
        pytest.raises(LabError, match="wants certificates"),
        dask_executor("tls" + dask.address[3:]),
    ):
        pass


@pytest.mark.slow
def test_without_dask_the_extra_is_named():
    code = (
        "import importlib.util as util, sys; find = util.find_spec\n"
        "util.find_spec = lambda name: None if name == 'distributed' else find(name)\n"
        "sys.argv = ['lab', 'curve', 'rows', '--dask', 'tcp://127.0.0.1:1']\n"
        "from lab.cli import main; main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "needs the extra `dask`: pip install 'memory-lab[dask]'" in result.stderr


def remote_job(workload: object) -> RemoteJob:
    """Return the job of one point in a separate run, as `Remote` creates it."""
    prepare = (workload.prepare,) if workload.prepare else ()
    return RemoteJob(uuid4().hex, 0, workload, "heap", 60, prepare, environment(), keep=False)
