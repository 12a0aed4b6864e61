"""Bodies of marked tests that fail, skip, warn, print or die are reported as those of others."""

import re

import pytest

from tests.plugin.plugin_runs import once, run_pytest, write

BODIES = """
    import contextlib
    import ctypes
    import logging
    import os
    import signal
    import sys
    import tempfile
    import time
    import warnings
    from pathlib import Path

    import pytest

    pytestmark = pytest.mark.memory_budget("1 MB")
    over_sizes = pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")

    def test_assertion():
        found = [1, 2]
        assert found == [1, 3], "not these"

    @over_sizes
    def test_at_a_size(n):
        assert n < 32_000

    @over_sizes
    def test_killed_at_a_size(n):
        if n >= 64_000:
            os.kill(os.getpid(), signal.SIGKILL)

    def test_skips():
        pytest.skip("not today")

    @over_sizes
    def test_skips_at_a_size(n):
        if n > 64_000:
            pytest.skip("too large")

    @pytest.mark.skip(reason="never")
    def test_skipped():
        pass

    @pytest.mark.skipif("sys.version_info > (3,)", reason="always")
    def test_skipped_if():
        pass

    @pytest.mark.xfail(reason="known")
    def test_expected():
        assert False

    def test_expected_inside():
        pytest.xfail("known inside")

    @pytest.mark.xfail(reason="known", run=False)
    def test_expected_not_run():
        os._exit(1)

    @pytest.mark.xfail(reason="known")
    def test_unexpected():
        pass

    @pytest.mark.xfail(reason="known", strict=True)
    def test_unexpected_strictly():
        pass

    @pytest.mark.xfail(reason="it is large")
    def test_large():
        bytearray(2_000_000)

    @pytest.mark.xfail(reason="it is large", strict=True)
    def test_large_strictly():
        bytearray(2_000_000)

    @pytest.mark.xfail(reason="another reason", raises=ValueError)
    def test_large_not_expected():
        bytearray(2_000_000)

    def test_leaves():
        os._exit(3)

    def test_killed():
        os.kill(os.getpid(), signal.SIGKILL)

    def test_forges_its_report():
        for folder in Path(tempfile.gettempdir()).glob("memory-lab-*"):
            (folder / "0.json").write_text('{"reports": [{}], "warnings": 5}')
        os._exit(0)

    def test_writes_where_it_has_opened_nothing():
        for descriptor in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"answer {}\\nstatus 0\\n")
        os._exit(0)

    def test_has_half_a_character():
        raise ValueError("cannot store \\ud83d")

    def test_crashes():
        ctypes.string_at(0)

    @pytest.mark.memory_budget("1 MB", timeout=2)
    def test_never_ends():
        time.sleep(600)

    def test_debugs():
        breakpoint()

    @over_sizes
    def test_warns(n):
        assert n
        warnings.warn("careful", DeprecationWarning)

    @pytest.mark.filterwarnings("error")
    def test_warns_in_error():
        warnings.warn("too careless")

    def test_says():
        print("to the output")
        print("to the errors", file=sys.stderr)
        logging.getLogger("mine").warning("to the log")
        assert False

    def test_property(record_property):
        record_property("mine", "is kept")

    def test_last():
        pass
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return once("bodies", tmp_path_factory, _run)


def _run(folder):
    return run_pytest(write(folder, test_bodies=BODIES))


def test_a_failing_assertion_is_explained_as_ever(ran):
    text = ran.text("test_assertion")
    assert "AssertionError: not these" in text
    assert "assert [1, 2] == [1, 3]" in text
    assert "At index 1 diff: 2 != 3" in text
    assert ">       assert found == " in text


def test_a_failure_says_at_which_size(ran):
    assert "assert 32000 < 32000" in ran.text("test_at_a_size[n=8000..128000]")
    assert re.search(r"-+ memory-lab -+\nn = 32,000\n", ran.output)
    assert re.search(r"-+ memory-lab -+\nn = 64,000\n", ran.output)


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("test_skips", "skipped", "not today"),
        ("test_skips_at_a_size[n=8000..128000]", "skipped", "too large"),
        ("test_skipped", "skipped", "never"),
        ("test_skipped_if", "skipped", "always"),
        ("test_expected", "xfailed", "known"),
        ("test_expected_inside", "xfailed", "known inside"),
        ("test_expected_not_run", "xfailed", "known"),
        ("test_unexpected", "passed", ""),
        ("test_unexpected_strictly", "failed", "[XPASS(strict)] known"),
    ],
)
def test_skipped_and_expected_failures_are_what_they_were(ran, name, outcome, reason):
    assert ran.outcome(name) == outcome
    assert reason in ran.text(name)
    assert "XPASS test_bodies.py::test_unexpected - known" in ran.output


def test_a_test_may_be_expected_to_be_over_its_budget(ran):
    assert ran.outcome("test_large") == "xfailed"
    assert ran.outcome("test_large_strictly") == "xfailed"
    assert ran.outcome("test_large_not_expected") == "failed"
    assert "over the budget" in ran.text("test_large_not_expected")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("test_leaves", "the process measuring test_bodies.py::test_leaves ended with exit code 3"),
        ("test_forges_its_report", "test_forges_its_report ended with exit code 0 before it"),
        ("test_writes_where_it_has_opened_nothing", "ended with exit code 0 before it answered."),
        ("test_has_half_a_character", "ValueError: cannot store #xD83D"),  # pytest writes it so
        ("test_killed", "the process measuring test_bodies.py::test_killed was killed by SIGKILL"),
        ("test_crashes", "test_bodies.py::test_crashes was killed by SIGSEGV."),
        ("test_never_ends", "not finished after 2 s"),
        ("test_killed_at_a_size[n=8000..128000]", "was killed by SIGKILL"),
        ("test_debugs", "a measuring process has no terminal: run with --no-memory-lab to debug."),
    ],
)
def test_a_body_that_ends_its_process_has_failed_in_one_sentence(ran, name, says):
    assert ran.outcome(name) == "failed"
    assert says in ran.text(name)
    assert ran.outcome("test_last") == "passed"


def test_a_crash_shows_where_it_happened(ran):
    assert "Fatal Python error: Segmentation fault" in ran.text("test_crashes")
    assert "string_at" in ran.text("test_crashes")


def test_warnings_of_bodies_are_in_the_summary_once(ran):
    summary = ran.output[ran.output.index("warnings summary") :]
    assert len(re.findall(r"test_bodies.py:\d+: DeprecationWarning: careful", summary)) == 1


def test_warnings_are_errors_where_they_are_said_to_be(ran):
    assert "UserWarning: too careless" in ran.text("test_warns_in_error")


def test_what_a_failing_body_wrote_is_shown(ran):
    for title, text in [
        ("stdout", "to the output"),
        ("stderr", "to the errors"),
        ("log", r"WARNING  mine:test_bodies.py:\d+ to the log"),
    ]:
        assert re.search(rf"-+ Captured {title} call -+\n{text}\n", ran.output)


def test_properties_of_a_test_are_kept(ran):
    assert ran.tests["test_property"]["properties"]["mine"] == "is kept"


def test_nothing_is_left_of_bodies_that_died(ran):
    assert ran.left == []
