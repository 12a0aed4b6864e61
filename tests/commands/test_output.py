"""What a terminal cannot show or take costs neither a file nor the exit code of a verdict."""

import json
import os
import subprocess
import sys
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from lab.curves.curve import Curve
from lab.curves.verdict import suggest
from lab.report.curves import Result, report_curves, report_survival
from lab.report.files import write_text
from lab.report.output import Output
from tests.helpers import call_lab

TARGETS = """
def flat(n):
    yield from range(n)

def half(n):
    raise ValueError("cannot store \\ud83d in \\x1b[31mred, at 5 µs → 日本")
"""

BUDGETS = """
[budget.flat]
target = "targets:flat"
sizes = "8000..128000"
claim = "O(1)"

[budget.half]
target = "targets:half"
sizes = "8000..128000"
claim = "O(1)"
"""


@pytest.fixture
def project(tmp_path):
    """A project with a budget that is kept, and one whose target raises half a character."""
    (tmp_path / "targets.py").write_text(TARGETS, encoding="utf-8")
    (tmp_path / "memory-budgets.toml").write_text(BUDGETS)
    return tmp_path


def shell(project, line, **environment):
    """Run a line of bash, where $LAB is the command; return its exit code and its output."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=project,
        env={**os.environ, "LAB": f"{sys.executable} -m lab.cli", **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


PLACES = {
    "utf-8": ("", {}),
    "ascii": ("", {"PYTHONIOENCODING": "ascii"}),
    "latin-1": ("", {"PYTHONIOENCODING": "latin-1"}),
    "C": ("", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "closed pipe": ("| true; exit ${PIPESTATUS[0]}", {}),
    "first line": ("| head -1; exit ${PIPESTATUS[0]}", {}),
    "full": ("> /dev/full", {}),
    "full for both": ("> /dev/full 2>&1", {}),
    "closed": (">&-", {}),
}


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("utf-8", marks=pytest.mark.full),
        pytest.param("ascii", marks=pytest.mark.slow),
        pytest.param("latin-1", marks=pytest.mark.full),
        pytest.param("C", marks=pytest.mark.full),
        "closed pipe",
        pytest.param("first line", marks=pytest.mark.full),
        pytest.param("full", marks=pytest.mark.full),
        pytest.param("full for both", marks=pytest.mark.slow),
        pytest.param("closed", marks=pytest.mark.slow),
    ],
)
def test_a_check_writes_its_files_and_exits_with_its_code_wherever_it_prints(project, place):
    end, environment = PLACES[place]
    words = "$LAB check --json out/a.json --junit out/a.xml"
    done = shell(project, f"{words} {end}", **environment)
    assert done.returncode == 2, done.stderr
    budgets = json.loads((project / "out" / "a.json").read_text())["budgets"]
    assert [budget["standing"] for budget in budgets] == ["kept", "error"]
    assert r"cannot store \ud83d in \x1b[31mred" in budgets[1]["reasons"][0]
    junit = ElementTree.parse(project / "out" / "a.xml")  # noqa: S314 - our own
    assert len(junit.findall(".//testcase")) == 2
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_terminal_without_a_character_shows_its_escape(project):
    done = shell(project, "$LAB check half", PYTHONIOENCODING="ascii")
    assert rb"cannot store \ud83d in \x1b[31mred, at 5 \xb5s \u2192" in done.stdout


_FULL = b"lab: cannot write the output: No space left on"


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        pytest.param("$LAB check flat > /dev/full", 0, _FULL, marks=pytest.mark.slow),
        pytest.param("$LAB check flat --json - > /dev/full", 2, _FULL, marks=pytest.mark.slow),
        ("$LAB list > /dev/full", 2, b"lab: cannot write the output: No space left on device.\n"),
        pytest.param(
            "$LAB check flat | true; exit ${PIPESTATUS[0]}", 0, b"", marks=pytest.mark.slow
        ),
        ("$LAB list | true; exit ${PIPESTATUS[0]}", 141, b""),
        ("$LAB list >&-", 0, b""),
    ],
)
def test_lost_output_is_one_sentence_and_an_error_only_where_it_is_the_result(
    project, line, code, says
):
    done = shell(project, line)
    assert (done.returncode, done.stderr.count(b"lab: ")) == (code, 1 if says else 0)
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


class NoTerminal(StringIO):
    """A stream on which every write fails."""

    def write(self, text):
        raise OSError(5, "gone")


def test_curves_are_in_their_files_before_they_are_printed(tmp_path):
    curve = Curve("m:f", "n", ())
    result = Result(curve, suggest(curve), "naive")
    with pytest.raises(OSError, match="gone"):
        report_curves(
            Console(file=NoTerminal()), "m:f", [result], tmp_path / "a.svg", tmp_path / "a.json"
        )
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.svg"]


def test_runs_under_a_cap_are_in_their_file_before_they_are_printed(tmp_path):
    with pytest.raises(OSError, match="gone"):
        report_survival(Console(file=NoTerminal()), "m:f", "n", 1_000, {}, tmp_path / "a.json")
    assert os.listdir(tmp_path) == ["a.json"]


def test_traps_are_in_their_file_before_they_are_printed(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError(5, "gone")

    monkeypatch.setattr("lab.traps.demonstrate_all", lambda *_: [])
    monkeypatch.setattr("lab.traps.report.print_demonstrations", broken)
    assert "gone" in call_lab("traps", "--all", "--json", str(tmp_path / "a.json")).stderr
    assert os.listdir(tmp_path) == ["a.json"]


def test_half_a_character_is_escaped_in_a_file(tmp_path):
    write_text(tmp_path / "a.txt", "a \ud83d b µ")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == r"a \ud83d b µ"


def test_output_keeps_its_first_error(tmp_path):
    with open("/dev/full", "w") as full:
        out = Output(full)
        out.write("text")
        out.flush()
        first = out.error
        out.write("more")
        out.flush()
    assert out.error is first
    assert out.problem == "cannot write the output: No space left on device."
