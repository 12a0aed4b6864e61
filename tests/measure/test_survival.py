"""Runs under a cap, of workloads whose need is known: three outcomes, and how far each got."""

import subprocess
import sys

import pytest

import lab
from lab.errors import LabError
from lab.measure.http.endpoint import Endpoint
from lab.measure.memory_cap import memory_error
from lab.measure.survival import survivals, survives
from lab.measure.workload import Function
from tests.helpers import run_lab

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_DATA")


def test_what_needs_less_than_the_cap_finishes():
    """Python takes memory by the arena, which is 1 MiB: a cap leaves room for one."""
    survival = survives("tests.measure.known_growth:linear", 15_000_000, cap="17MB")
    assert survival
    assert (survival.outcome, survival.items, survival.reason) == ("finished", 1, "")


def test_what_needs_more_than_the_cap_is_refused_and_says_how_far_it_got():
    survival = survives("tests.measure.known_growth:kept_blocks", 100, cap=10_000_000)
    assert not survival
    assert survival.outcome == "out of memory"
    assert 7 <= survival.items <= 10  # blocks of a megabyte
    assert survival.reason == "MemoryError"


def test_the_same_size_is_judged_by_the_cap():
    sizes = lab.doubling(1_000_000, 16_000_000)
    by_size = survivals(Function("tests.measure.known_growth:linear"), "bytes", sizes, 6_000_000)
    assert [bool(survival) for survival in by_size.values()] == [True, True, True, False, False]


def test_a_batch_that_fits_is_enough_for_any_number_of_items():
    assert survives("tests.measure.known_growth:constant", 100_000, cap="10MB")  # its batch is 8 MB
    assert not survives("tests.measure.known_growth:constant", 100_000, cap="7MB")


def test_a_run_that_takes_too_long_is_ended():
    """The seconds are enough to begin on a busy machine as well."""
    survival = survives(
        "tests.measure.known_growth:endless_at_full_size", 100, cap="64MiB", timeout=5
    )
    assert survival.outcome == "timed out"
    assert survival.items > 0
    assert "after 5 s" in survival.reason


def loads_once(n, _table=[]):  # noqa: B006 - a cache, which is what is tested
    """Take 50 MB at the first call of a process, and nothing more."""
    _table[:] = _table or [bytearray(50_000_000)]
    return n


def test_a_first_call_under_a_cap_has_no_warm_up(tmp_path):
    target = f"{__name__}:loads_once"
    assert survives(target, 8_000, cap="20MB")
    assert survives(target, 8_000, cap="20MB", warm_up=False).outcome == "out of memory"
    run = run_lab("measure", target, "--cap=20MB", "--sizes=8000", "--no-warm-up")
    assert run.returncode == 1
    (tmp_path / "memory-budgets.toml").write_text(
        f'[budget.b]\ntarget = "{target}"\ncap = "20 MB"\nwarm-up = false\n'
    )
    assert run_lab("check", f"--file={tmp_path / 'memory-budgets.toml'}").returncode == 1


def test_a_cap_above_the_hard_limit_of_the_shell_is_that_limit():
    limited = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))"
    code = f"{limited}; from lab.cli import main; main()"
    words = ["measure", "tests.measure.known_growth:linear", "--cap=60GB", "--sizes=1000"]
    run = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_process_that_is_killed_is_told_apart():
    survival = survives("tests.measure.known_growth:killed_at_full_size", 100, cap="64MiB")
    assert survival.outcome == "killed"
    assert "SIGKILL" in survival.reason


def test_an_error_that_has_nothing_to_do_with_memory_is_an_error():
    with pytest.raises(LabError, match="raised"):
        survives("tests.measure.known_growth:raises", 100, cap="64MiB")


def test_a_server_that_keeps_the_rows_answers_500_under_a_cap_and_a_streaming_one_finishes():
    app = "tests.measure.measured_app:app"
    kept = survives(Endpoint.parse("GET /kept?n={n}", app), 500_000, cap="16MiB")
    assert kept.outcome == "out of memory"
    streamed = survives(Endpoint.parse("GET /streamed?n={n}", app), 500_000, cap="16MiB")
    assert streamed
    assert streamed.items == 50_000_000


def test_a_memory_error_is_found_behind_other_errors():
    def caused(cause):
        error = RuntimeError("the row could not be read")
        error.__cause__ = cause
        return error

    assert memory_error(MemoryError())
    assert memory_error(caused(MemoryError()))
    assert memory_error(ExceptionGroup("several", [caused(ValueError("out of memory for result"))]))
    assert memory_error(OSError(12, "Cannot allocate memory"))
    assert memory_error(caused(ValueError("other"))) is None


def test_the_command_says_what_survived_and_exits_with_1_when_something_did_not():
    run = run_lab(
        "measure", "tests.measure.known_growth:linear", "--cap=3.5MB", "--sizes=1000000..4000000"
    )
    assert run.returncode == 1
    assert run.stdout.count("finished") == 2
    assert run.stdout.count("out of memory") == 1
    assert run_lab("measure", "tests.measure.known_growth:linear", "--cap=64MB").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--cap=64MiB", "--claim=O(1)"], "give --claim or --cap"),
        (["--cap=64 cats"], "is not a valid amount of memory"),
        (["--cap=64MiB", "--plot=a.svg"], "has none: leave out --plot"),
        (["--cap=64MiB", "--jobs=2"], "leave out --jobs"),
        (["--cap=64MiB", "--witness=rss"], "leave out --witness"),
        (["--cap=64MiB", "--constant-answer"], "leave out --constant-answer"),
    ],
)
def test_a_cap_that_makes_no_sense_is_said(words, says):
    run = run_lab("measure", "tests.measure.known_growth:linear", *words)
    assert run.returncode == 2
    assert says in run.stderr
