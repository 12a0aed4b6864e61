"""What pytest keeps of a body is no growth of the body, and a test gets what it asks for."""

import re

import pytest

from tests.plugin.plugin_runs import once, run_pytest, write

NOISE = """
    import logging
    import sys
    import threading
    import unittest
    import warnings

    import pytest

    log = logging.getLogger("app")
    pytestmark = pytest.mark.memory_growth(
        "O(1)", over="n", sizes="500..8000", allow_inconclusive=True
    )

    class Unraisable:
        def __del__(self):
            raise ValueError("in a finalizer")

    def fail():
        raise ValueError("in a thread")

    def test_logs(n):
        for i in range(n):
            log.warning("row %d skipped", i)

    def test_logs_sometimes(n):
        for i in range(0, n, 20):
            log.warning("row %d skipped", i)

    def test_warns(n):
        for _ in range(n):
            warnings.warn("utcnow() is deprecated", DeprecationWarning)

    def test_warns_of_each_row(n):
        for i in range(n):
            warnings.warn(f"row {i} is old", DeprecationWarning)

    def test_prints(n):
        for i in range(n):
            print("row", i)
            print("row", i, file=sys.stderr)

    def test_finalizes(n):
        for _ in range(0, n, 10):
            Unraisable()

    def test_starts_threads(n):
        for _ in range(0, n, 50):
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()

    class TestCase(unittest.TestCase):
        def test_case_logs(self, n):
            for i in range(n):
                log.warning("row %d skipped", i)

    @pytest.mark.filterwarnings("ignore")
    def test_warnings_are_ignored(n):
        for i in range(n):
            warnings.warn(f"row {i} is old", DeprecationWarning)

    @pytest.mark.xfail(reason="it logs and leaks")
    def test_leaks_as_well(n):
        for i in range(0, n, 10):
            log.warning("row %d skipped", i)
        kept = bytearray(50 * n)
"""

FIXTURES = """
    import logging
    import unittest
    import warnings

    import pytest

    log = logging.getLogger("app")
    pytestmark = pytest.mark.memory_growth("O(n)", over="n", sizes="500..8000")

    @pytest.fixture
    def logged(request):
        return request.getfixturevalue("caplog")

    def log_rows(n):
        for i in range(n):
            log.warning("row %d skipped", i)

    def warn(n):
        for i in range(n):
            warnings.warn("utcnow() is deprecated", DeprecationWarning)

    def test_caplog(n, caplog):
        log_rows(n)
        assert len(caplog.records) == len(caplog.get_records("call")) == n
        assert caplog.text.count("skipped") == n

    def test_caplog_at_a_level(n, caplog):
        with caplog.at_level(logging.DEBUG):
            log.debug("seen")
        log_rows(n)
        assert len(caplog.record_tuples) == n + 1

    def test_caplog_by_name(n, request):
        caplog = request.getfixturevalue("caplog")
        log_rows(n)
        assert len(caplog.messages) == len(caplog.get_records("call")) == n

    def test_caplog_of_a_fixture(n, logged):
        log_rows(n)
        assert len(logged.records) == n

    def test_recwarn(n, recwarn):
        warnings.simplefilter("always")
        warn(n)
        assert len(recwarn) == n

    def test_warns(n):
        with pytest.warns(DeprecationWarning) as recorded:
            warnings.simplefilter("always")
            warn(n)
        assert len(recorded) == n

    def test_capsys(n, capsys):
        for i in range(n):
            print(f"row {i:100}")
        assert capsys.readouterr().out.count("row") == n

    @pytest.mark.memory_growth("O(1)", over="n", sizes="500..8000")
    def test_caplog_grows(n, caplog):
        log_rows(n)

    class TestCase(unittest.TestCase):
        def test_assert_logs(self, n):
            with self.assertLogs("app") as logged:
                log_rows(n)
            self.assertEqual(len(logged.records), n)
"""

REPORTED = """
    import logging
    import threading
    import warnings

    import pytest

    log = logging.getLogger("app")
    pytestmark = pytest.mark.memory_budget("1 MB")

    class Unraisable:
        def __del__(self):
            raise ValueError("in a finalizer")

    def fail():
        raise ValueError("in a thread")

    def test_fails_after_its_log():
        for i in range(1_000):
            log.warning("row %d skipped", i)
        assert False

    def test_fails_after_a_short_log():
        log.warning("only this")
        assert False

    def test_warns_differently():
        for i in range(1_000):
            warnings.warn(f"number {i % 3}", DeprecationWarning)

    def test_finalizes():
        Unraisable()

    def test_starts_a_thread():
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()

    @pytest.mark.filterwarnings("error")
    def test_warns_in_error():
        warnings.warn("too careless")
"""


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    return once("bounded-noise", tmp_path_factory, lambda folder: _run(folder, NOISE))


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory):
    return once("bounded-fixtures", tmp_path_factory, lambda folder: _run(folder, FIXTURES))


def _run(folder, tests, *words):
    return run_pytest(write(folder, test_noise=tests), "--disable-warnings", *words)


@pytest.mark.parametrize(
    "name",
    [
        *("test_logs", "test_logs_sometimes", "test_warns", "test_warns_of_each_row"),
        *("test_prints", "test_finalizes", "test_starts_threads", "test_warnings_are_ignored"),
    ],
)
def test_a_body_that_keeps_nothing_is_flat_whatever_pytest_records(noise, name):
    assert noise.outcome(f"{name}[n=500..8000]") == "passed"


def test_a_method_of_a_case_that_logs_is_flat(noise):
    assert noise.outcome("test_case_logs") == "passed"


def test_what_the_body_keeps_itself_is_still_seen(noise):
    assert noise.outcome("test_leaks_as_well[n=500..8000]") == "xfailed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("test_caplog", "test_caplog_at_a_level", "test_caplog_by_name", "test_capsys"),
        *("test_caplog_of_a_fixture", "test_recwarn", "test_warns"),
    ],
)
def test_a_test_gets_all_that_it_asks_for_and_pays_for_it(fixtures, name):
    assert fixtures.outcome(f"{name}[n=500..8000]") == "passed", fixtures.text(
        f"{name}[n=500..8000]"
    )


@pytest.mark.slow
def test_assert_logs_gets_every_record(fixtures):
    assert fixtures.outcome("test_assert_logs") == "passed"


@pytest.mark.slow
def test_the_growth_of_a_fixture_is_named(fixtures):
    text = fixtures.text("test_caplog_grows[n=500..8000]")
    assert "O(1) broken: grows with n" in text
    sentence = "caplog keeps every record of the log, and this counts as memory of the test."
    assert text.count(sentence) >= 1


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("-s", marks=pytest.mark.slow),
        pytest.param("--capture=sys", marks=pytest.mark.full),
        pytest.param("--capture=tee-sys", marks=pytest.mark.full),
        pytest.param("-p no:logging", marks=pytest.mark.slow),
        pytest.param("-p no:warnings", marks=pytest.mark.full),
        pytest.param("--log-file=log.txt --log-file-level=DEBUG", marks=pytest.mark.full),
        pytest.param("-o log_cli=true --log-cli-level=DEBUG", marks=pytest.mark.slow),
        pytest.param("-W ignore", marks=pytest.mark.full),
    ],
)
def test_noise_is_no_growth_with_any_option(tmp_path, words):
    ran = _run(tmp_path, NOISE, "-k", "logs or prints or warns", *words.split())
    assert ran.code == 0, ran.output[-2_000:]


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    def run(folder):
        return run_pytest(write(folder, test_reported=REPORTED))

    return once("bounded-reported", tmp_path_factory, run)


def test_the_report_has_the_end_of_the_log(reported):
    assert "only the end of the log is kept while memory is measured" in reported.output
    rows = re.findall(r"row (\d+) skipped", reported.output)
    assert rows[-1] == "999"
    assert 100 < len(rows) < 300
    assert re.search(r"WARNING +app:test_reported.py:\d+ only this", reported.output)


def test_the_summary_has_each_warning_once(reported):
    summary = reported.output[reported.output.index("warnings summary") :]
    assert re.findall(r"DeprecationWarning: (number \d)", summary) == [f"number {i}" for i in "012"]


def test_errors_outside_of_the_body_and_warnings_as_errors_are_reported(reported):
    assert "ValueError: in a finalizer" in reported.output
    assert "ValueError: in a thread" in reported.output
    assert "UserWarning: too careless" in reported.text("test_warns_in_error")
