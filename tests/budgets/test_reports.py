"""Checked budgets for people and for machines: terminal, JSON, JUnit, annotations, summary."""

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

import lab
from lab.budgets.budget import Budget
from lab.budgets.check import CheckResult
from lab.budgets.judge import Promise, failed, judge
from lab.budgets.previous_run import PreviousRun
from lab.budgets.report.github import annotations, markdown, report_to_github
from lab.budgets.report.junit import junit_xml
from lab.budgets.report.terminal import checked_json, print_checked, report_checked
from lab.curves.allocation_sites import Site
from lab.curves.curve import Curve, Point
from lab.errors import LabError
from lab.measure.memory_cap import Survival
from lab.measure.workload import Function
from lab.report.terminal import console
from tests.helpers import run_lab

SIZES = lab.doubling(8_000, 128_000)
SITE = Site("app/exports.py", 4, "stream", 9_000_000, "kept.append(row)")
LIBRARY = Site("/usr/lib/x.py", 7, "read", 9_500_000, "x")


@pytest.fixture(autouse=True)
def not_on_github(monkeypatch):
    """Or the suite's own job would have these budgets in its summary."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def budget(name, **more):
    target = Function("app.exports:stream")
    promise = Promise(lab.O(1))
    found = Budget(name, target, "app.exports:stream", "n", SIZES, promise)
    return replace(found, file="memory-budgets.toml", line=7, **more)


def curve(per_item, sites=(LIBRARY, SITE)):
    peaks = [1_000_000 + per_item * size for size in SIZES]
    points = [Point(size, peak_heap_bytes=peak) for size, peak in zip(SIZES, peaks, strict=True)]
    points[-1] = replace(points[-1], sites=sites)
    points[0] = replace(points[0], sites=tuple(replace(site, bytes=1) for site in sites))
    return Curve("app.exports:stream", "n", tuple(points))


def checked(name, per_item=0, *, error="", seconds=0.5, **more):
    one = budget(name)
    if error:
        return CheckResult(one, failed(name, error, "the end of a traceback"), seconds=seconds)
    return CheckResult(one, judge(name, curve(per_item), one.promise, **more), seconds=seconds)


KEPT = checked("fine")
BROKEN = checked("leaky", 100)
ERROR = checked("gone", error="no such thing")
FEW = Curve("app.exports:stream", "n", curve(0).points[:2])
UNSURE = CheckResult(budget("short"), judge("short", FEW, Promise(lab.O(1))))
ALL = [KEPT, BROKEN, ERROR, UNSURE]


def printed(found, note=""):
    screen = console()
    screen.file = io.StringIO()
    print_checked(screen, found, note)
    return screen.file.getvalue()


def test_each_budget_has_a_line_and_failures_are_explained_below():
    said = printed(ALL, "A note.")
    assert [line.split()[:2] for line in said.splitlines() if line[:1] not in (" ", "")][:4] == [
        ["kept", "fine"],
        ["broken", "leaky"],
        ["error", "gone"],
        ["inconclusive", "short"],
    ]
    assert "leaky (memory-budgets.toml:7, app.exports:stream)\n  O(1) broken: grows" in said
    assert "app/exports.py:4 in stream: kept.append(row)" in said
    assert "  no such thing.\n\n  the end of a traceback\n" in said
    assert said.splitlines()[-2:] == ["A note.", "1 kept, 1 broken, 1 inconclusive, 1 error."]


def test_in_a_pipe_the_lines_of_budgets_fit_into_100_columns_and_end_where_they_end():
    lines = printed([KEPT, KEPT, checked("a-name-that-is-rather-long-for-a-budget-of-memory")])
    assert all(len(line) <= 100 and line == line.rstrip() for line in lines.splitlines())
    assert "\x1b" not in lines


def test_what_looks_like_markup_is_printed_as_it_is():
    said = printed([checked("[bold]", error="[red]:100: :smile: \x1b[31m")])
    assert "[bold]" in said
    assert "[red]:100: :smile:" in said


def test_json_has_what_was_promised_and_what_was_found():
    survival = Survival("out of memory", 12, 0.5, "MemoryError")
    last = PreviousRun(dict.fromkeys(SIZES, 1_000_000), (SITE,), "2026-11-23", "baseline")
    capped = CheckResult(
        budget("capped", cap=64), checked("capped", 0, earlier=last).judged, survival
    )
    found = json.loads(json.dumps(checked_json([*ALL, capped])))
    assert set(found) == {"standing", "budgets", "environment"}
    assert found["standing"] == "broken"
    kept, broken, error, _, with_cap = found["budgets"]
    assert set(kept) == {
        *("name", "standing", "reasons", "details", "file", "line", "subject", "ceiling_bytes"),
        *("curve", "survival", "sites", "baseline"),
    }
    assert (broken["name"], broken["standing"]) == ("leaky", "broken")
    assert broken["curve"]["verdict"] == "broken"
    assert broken["sites"][1]["file"] == "app/exports.py"
    assert (error["curve"], error["reasons"]) == (None, ["no such thing"])
    assert error["details"] == "the end of a traceback"
    assert with_cap["survival"] == {
        "size": 128_000,
        "cap_bytes": 64,
        "outcome": "out of memory",
        "items": 12,
        "seconds": 0.5,
        "reason": "MemoryError",
    }
    assert with_cap["baseline"] == {
        "when": "2026-11-23",
        "points": [[size, 1_000_000] for size in SIZES],
    }
    assert (kept["survival"], kept["baseline"]) == (None, None)


def parsed(found):
    (suite,) = ET.fromstring(junit_xml(found))  # noqa: S314 - we wrote it
    return suite


def test_junit_has_a_case_for_each_budget():
    suite = parsed(ALL)
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")}
    assert list(counts.values()) == ["memory-budgets", "4", "2", "1", "0"]
    kept, broken, error, unsure = suite
    assert {case.get("classname") for case in suite} == {"memory-budgets"}
    assert (kept.get("name"), kept.get("time"), len(kept)) == ("fine", "0.500", 0)
    failure = broken.find("failure")
    assert failure.get("type") == "broken"
    assert failure.get("message").startswith("O(1) broken: grows with n")
    assert "app/exports.py:4 in stream: kept.append(row)" in failure.text
    assert error.find("error").get("message") == "no such thing"
    assert unsure.find("failure").get("type") == "inconclusive"


def test_junit_skips_what_could_not_be_tried_here_alone():
    why = "darwin has no caps."
    only = CheckResult(replace(budget("cap"), promise=Promise(), cap=1), KEPT.judged, untried=why)
    swept = replace(only, budget=budget("both"))
    suite = parsed([only, swept])
    assert suite[0].find("skipped").get("message") == why
    assert suite[1].find("skipped") is None
    assert suite.get("skipped") == "1"


def test_junit_is_valid_for_any_text():
    nasty = "".join(map(chr, range(32))) + "<&\"'>]]>\ufffe\uffff\ud800\x7f\x85é😀"
    (case,) = parsed([checked(nasty, error=nasty)])
    assert case.get("name").endswith("<&\"'>]]>\x7f\x85é😀")
    assert "é😀" in case.find("error").text


def test_annotations_point_to_the_first_line_inside_the_project_or_to_the_budget(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    broken, error, unsure = annotations(ALL, tmp_path)
    place = "::error file=app/exports.py,line=4,title=memory budget leaky::"
    assert broken.startswith(f"{place}O(1) broken: grows with n: 100 B per item (95 %25 between")
    at_the_budget = "::error file=memory-budgets.toml,line=7,title=memory budget "
    assert error == f"{at_the_budget}gone::no such thing"
    assert unsure.startswith(f"{at_the_budget}short::O(1) inconclusive: 2 sizes were measured")


def test_annotations_are_relative_to_the_workspace(tmp_path, monkeypatch):
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    assert annotations([BROKEN], tmp_path)[0].startswith("::error file=service/app/exports.py,")
    assert annotations([BROKEN], tmp_path / "other")[0].startswith("::error file=app/exports.py,")
    above = CheckResult(replace(ERROR.budget, file="../budgets.toml"), ERROR.judged)
    assert annotations([above], tmp_path)[0].startswith("::error file=budgets.toml,")


def test_annotations_are_one_line_with_everything_escaped():
    (said,) = annotations([checked("a:b,c%", error="one\r\ntwo, 100 %: three")], Path.cwd())
    assert said.endswith("title=memory budget a%3Ab%2Cc%25::one%0D%0Atwo, 100 %25: three")
    assert "\n" not in said


def test_the_summary_is_a_table_and_a_block_for_each_failure():
    said = markdown(ALL)
    assert said.startswith("### Memory budgets: 1 kept, 1 broken, 1 inconclusive, 1 error\n\n| B")
    assert "| leaky | broken | 13.8 MB | 100 B per item (100 B to 100 B) | O(1) broken: " in said
    assert "| gone | error | - | - | no such thing |" in said
    assert said.count("<details>") == said.count("</details>") == 3
    assert "```text\nO(1) broken: " in said


def test_the_summary_survives_pipes_backticks_and_tags():
    said = markdown([checked("a|b`<c>", error="x | `y`\n<img src=z> ```` end")])
    row = said.splitlines()[4]
    assert row.startswith(r"| a\|b\`\<c\> | error | - | - | x \| \`y\` \<img src=z\> ")
    assert row.count(" | ") == 4
    assert "<summary>a|b`&lt;c&gt;: error</summary>\n\n`````text\n" in said


def test_github_is_told_only_where_it_asks(tmp_path):
    stream = io.StringIO()
    report_to_github(ALL, stream, {})
    assert stream.getvalue() == ""
    report_to_github(ALL, stream, {"GITHUB_ACTIONS": "true"})
    assert stream.getvalue().count("::error ") == 3
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    report_to_github([KEPT], stream, {"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text().startswith("before\n### Memory budgets: 1 kept\n")
    with pytest.raises(LabError, match="cannot write the summary to /proc/none"):
        report_to_github([KEPT], stream, {"GITHUB_STEP_SUMMARY": "/proc/none"})


@pytest.mark.parametrize(
    ("found", "code"),
    [([KEPT], 0), ([KEPT, BROKEN, ERROR], 1), ([KEPT, ERROR, UNSURE], 2), ([KEPT, UNSURE], 3)],
)
def test_the_exit_code_is_that_of_the_worst(found, code):
    screen = console()
    screen.file = io.StringIO()
    assert report_checked(screen, found) == code


def test_the_command_writes_all_of_them(tmp_path):
    (tmp_path / "mine.py").write_text("def keep(n):\n    return [float(i) for i in range(n)]\n")
    (tmp_path / "memory-budgets.toml").write_text('[budget.a]\ntarget="mine:keep"\nclaim="O(1)"\n')
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_WORKSPACE": str(tmp_path.parent),
    }
    words = ("check", "--jobs=1", "--json=-", "--junit=out/memory.xml")
    run = run_lab(*words, cwd=tmp_path, env=github)
    assert run.returncode == 1
    assert json.loads(run.stdout)["standing"] == "broken"
    place = f"::error file={tmp_path.name}/mine.py,line=2,title=memory budget a::O(1) broken: "
    assert place in run.stderr
    assert ET.parse(tmp_path / "out/memory.xml").find(".//failure") is not None  # noqa: S314
    assert "| a | broken |" in (tmp_path / "summary.md").read_text()
