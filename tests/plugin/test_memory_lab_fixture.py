"""The fixture memory_lab: the lab's instruments in the hands of a test."""

import functools
import os
import re
import signal

import pytest

import lab
from lab.errors import LabError
from tests.helpers import processes_naming, wait_until
from tests.measure import known_growth
from tests.plugin.plugin_runs import run_pytest, write

APP = "tests.measure.measured_app:app"
FAR = lab.doubling(80_000, 1_280_000)


class Holder:
    @staticmethod
    def keep(n):
        return bytearray(10 * n)

    def method(self, n):
        return n


def decorate(function):
    @functools.wraps(function)
    def wrapper(n):
        return function(n)

    return wrapper


@decorate
def decorated(n):
    return bytearray(10 * n)


@pytest.mark.parametrize(
    "target", [known_growth.linear, "tests.measure.known_growth:linear", Holder.keep, decorated]
)
def test_a_function_is_swept_by_itself_or_by_its_path(memory_lab, target):
    curve = memory_lab.sweep(target, sizes=FAR)
    assert memory_lab.verdict(curve, "O(n)")
    assert not memory_lab.verdict(curve, lab.O(1))


def test_a_verdict_has_its_reason(memory_lab):
    verdict = memory_lab.verdict(memory_lab.sweep(known_growth.flat_generator), "O(1)")
    assert verdict.finding == "kept"
    assert "flat in n" in verdict.reason


def test_an_axis_can_be_named(memory_lab):
    curve = memory_lab.sweep(known_growth.linear, "rows", FAR)
    assert memory_lab.verdict(curve, "O(rows)")
    assert curve.axis == "rows"


def test_what_is_set_up_does_not_count(memory_lab):
    curve = memory_lab.sweep(known_growth.copies, sizes=FAR, setup=known_growth.doubled)
    assert 1.9 < memory_lab.verdict(curve, "O(n)").growth.per_item < 2.1


def test_a_request_is_swept_at_its_application(memory_lab):
    sizes = lab.doubling(20_000, 320_000)
    curve = memory_lab.sweep("GET /kept?n={n}", sizes=sizes, app=APP)
    assert 90 < memory_lab.verdict(curve, "O(1)").growth.per_item < 110


def test_settings_and_a_body_reach_the_application(memory_lab):
    words = {"app": "tests.measure.measured_app:app", "env": {"MEASURED_APP": "three"}}
    assert memory_lab.sweep("GET /env?n={n}", sizes=[1], **words).points[0].counts["bytes"] == 5
    words |= {"json_body": '{"rows": {n}}'}
    assert memory_lab.sweep("POST /json", sizes=[70], **words).points[0].counts["bytes"] == 70


def test_one_size_is_measured_with_its_lines(memory_lab):
    point = memory_lab.measure(known_growth.one_object_kept, 100_000)
    assert point.peak_heap_bytes > 8_000_000
    assert point.sites[0].function == "one_object_kept"


def test_what_a_comprehension_holds_is_put_down_to_its_function(memory_lab):
    point = memory_lab.measure(known_growth.too_small, 100_000)
    assert point.sites[0].function == "too_small"


def test_what_fits_under_a_cap_survives_and_what_does_not_does_not(memory_lab):
    assert memory_lab.survives(known_growth.flat_generator, 100_000, "32 MiB")
    survival = memory_lab.survives(known_growth.kept_blocks, 200, 32_000_000)
    assert not survival
    assert survival.outcome == "out of memory"
    assert survival.items < 40


def test_a_request_survives_under_a_cap(memory_lab):
    assert memory_lab.survives("GET /streamed?n={n}", 100_000, "64 MiB", app=APP)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (lambda n: n, "is defined inside a function, where a fresh process cannot find it"),
        (
            functools.partial(known_growth.linear),
            "has no name in a module by which a fresh process could import it",
        ),
        (Holder().method, "has no name in a module by which a fresh process could import it"),
        ("tests.measure.known_growth:no_such", "tests.measure.known_growth has no 'no_such'"),
        ("no_such:function", "cannot import 'no_such'"),
        ("linear", "'linear' is not a target"),
    ],
)
def test_what_a_fresh_process_cannot_find_is_refused_in_a_sentence(memory_lab, target, says):
    with pytest.raises(LabError, match=says):
        memory_lab.measure(target, 10)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"json_body": "1"}, "only a request takes json_body: give its app"),
        ({"clients": 2}, "only a request takes clients: give its app"),
        ({"app": APP, "body": "rows", "body_file": "x"}, "a request has one body"),
        ({"app": APP, "body": "lines"}, 'counts "rows" or "bytes", not \'lines\''),
        ({"app": APP, "env": {"A=B": "c"}}, "'A=B' is no name of an environment variable"),
        ({"app": APP}, "nothing in GET /kept depends on the size"),
        ({"app": APP, "setup": "tests.measure.known_growth:doubled"}, "setup is for functions"),
        (
            {"app": APP, "header": "A: b"},
            "'header' is not an argument of a request: did you mean headers",
        ),
        ({"app": "tests.measure.measured_app:none"}, "tests.measure.measured_app has no 'none'"),
    ],
)
def test_words_that_do_not_go_together_are_refused(memory_lab, words, says):
    target = "GET /kept" if words.get("app") == APP else "GET /kept?n={n}"
    with pytest.raises(LabError, match=says):
        memory_lab.sweep(target, **words)


def test_an_error_shows_where_it_was_raised_and_nothing_of_the_lab(tmp_path):
    tests = """
        from tests.measure import known_growth

        def test_it(memory_lab):
            memory_lab.measure(known_growth.raises, 10)
    """
    text = run_pytest(write(tmp_path, test_it=tests)).text("test_it")
    assert "LabError: tests.measure.known_growth:raises raised ValueError: no 5 today" in text
    assert 'raise ValueError(f"no {n} today")' in text
    assert "lab/plugin" not in text


def test_a_file_that_pytest_imports_by_its_path_has_no_functions_to_find(tmp_path):
    tests = """
        def mine(n):
            return n

        def test_it(memory_lab):
            memory_lab.measure(mine, 10)
    """
    folder = write(tmp_path, {"pytest.ini": "[pytest]\n", "sub/test_it.py": tests}) / "sub"
    ran = run_pytest(tmp_path, "--import-mode=importlib", cwd=folder)
    assert "a fresh process cannot find it: move mine to a module" in ran.text("test_it")


def test_a_window_sees_a_body_held_whole_and_hardly_anything_of_a_streamed_one(memory_lab):
    with memory_lab.server(APP) as server:
        server.drain("/streamed?n=500")
        with server.window() as streamed:
            assert server.drain("/streamed?n=200000").length == 20_000_000
        with server.window() as whole:
            assert server.drain("/whole?n=200000").length == 20_000_000
        assert streamed.peak < 4_000_000
        assert 15_000_000 < whole.peak <= server.peak
    assert 15_000_000 < whole.peak <= server.peak


def test_a_window_in_another_takes_nothing_from_it(memory_lab):
    with memory_lab.server(APP) as server, server.window() as outer:
        server.drain("/whole?n=200000")
        with server.window() as inner:
            server.drain("/streamed?n=500")
        assert inner.peak < 15_000_000 < outer.peak


def test_answers_are_drained_to_the_end(memory_lab):
    with memory_lab.server(APP) as server:
        answer = server.drain("/body", "POST", body=b"y" * 500)
        assert (answer.status, answer.body, answer.complete) == (200, b"xxxxx", True)
        assert not server.drain("/breaks?n=1").complete
        assert not server.drain("/streamed?n=200000", stop_after=65_536).complete
        assert "startup complete" in server.written()
        pid = server.pid
    assert not server.lives
    assert wait_until(lambda: not os.path.exists(f"/proc/{pid}"))


def test_an_application_that_does_not_start_is_said(memory_lab):
    with pytest.raises(
        LabError, match=r"^tests\.measure\.measured_app:broken did not start: ZeroDivisionError"
    ):
        memory_lab.server("tests.measure.measured_app:broken").__enter__()


def test_a_server_that_dies_has_no_peak(memory_lab):
    with memory_lab.server(APP) as server:
        with server.window() as window:
            os.kill(server.pid, signal.SIGKILL)
            assert wait_until(lambda: not server.lives)
        with pytest.raises(LabError, match="the server ended by itself"):
            print(window.peak)


def test_a_server_ends_with_a_test_that_fails(tmp_path):
    app = "from tests.measure.measured_app import app\n"
    tests = """
        def test_it(memory_lab):
            with memory_lab.server("own_app:app") as server:
                server.drain("/streamed?n=500")
                assert False
    """
    ran = run_pytest(write(tmp_path, own_app=app, test_it=tests))
    assert ran.outcome("test_it") == "failed"
    assert ran.left == []
    assert not processes_naming("lab.net.uvicorn_process", "own_app:app")


JUDGED = """
    import pytest

    import judged

    def test_asserts_a_verdict(memory_lab):
        assert memory_lab.verdict(memory_lab.sweep(judged.leak), "O(1)")

    def test_asserts_a_finding(memory_lab):
        verdict = memory_lab.verdict(memory_lab.sweep(judged.leak), "O(1)")
        assert verdict.finding == "kept"

    def test_has_several(memory_lab):
        flat, leak = memory_lab.sweep(judged.flat), memory_lab.sweep(judged.leak)
        verdicts = [
            memory_lab.verdict(flat, "O(1)"),
            memory_lab.verdict(flat, "O(n)"),
            memory_lab.verdict([flat, leak], "O(1)"),
        ]
        assert all(verdicts)

    def test_fails_for_another_reason(memory_lab):
        assert memory_lab.verdict(memory_lab.sweep(judged.flat), "O(1)")
        assert False

    def test_passes(memory_lab):
        assert not memory_lab.verdict(memory_lab.sweep(judged.leak), "O(1)")

    def test_comes_after_it(memory_lab):
        assert False

    def test_uses_no_fixture():
        assert False
"""

TARGETS = """
    def flat(n):
        yield from range(n)

    def leak(n):
        kept = bytearray(10 * n)
        return 1
"""

BROKEN = "judged:leak\nO(1) broken: grows with n: 10.0 B per item (95 % between 10.0 B and 10.0 B)"

FLAT = "judged:flat\nO(n) broken: does not grow with n: 0 B per item (95 % between 0 B and 0 B)"


@pytest.mark.parametrize("words", ["", pytest.param("-p xdist -n 2", marks=pytest.mark.slow)])
def test_a_failing_test_explains_its_verdicts_that_are_not_kept(tmp_path, words):
    project = write(tmp_path, test_judged=JUDGED, judged=TARGETS)
    ran = run_pytest(project, "-p", "no:cacheprovider", *words.split(), "-o", "pythonpath=.")
    assert ran.counts() == "6 failed, 1 passed"
    shown = "<O(1) broken: grows with n: 10.0 B per item (95 %"
    assert f"assert {shown}" in ran.text("test_asserts_a_verdict")
    sections = re.findall(r"^-+ memory-lab -+\n(.+\n.+?)(?= from)", ran.output, re.MULTILINE)
    assert sorted(sections) == sorted([BROKEN] * 3 + [FLAT])
    assert len(re.findall(r"^  +n  +peak heap$", ran.output, re.MULTILINE)) == 4
    assert "judged.py:6 in leak: kept = bytearray(10 * n)" in ran.output
    assert "Point(" not in ran.output


def test_a_verdict_is_shown_without_its_figures(memory_lab):
    verdict = memory_lab.verdict(memory_lab.sweep(known_growth.linear, sizes=FAR), "O(1)")
    assert repr(verdict) == f"<O(1) broken: {verdict.reason}>"
    assert len(repr(verdict)) < 200
