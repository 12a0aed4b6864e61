"""Baselines: written by a good run, held against later ones, and never guessed."""

import json
import re
import sys
from dataclasses import replace
from datetime import date

import pytest

import lab
from lab.budgets.baseline import Baselines
from lab.budgets.baseline_file import BaselineEntry, Figures, read_entries, write_entries
from lab.budgets.baseline_key import Key, key_here
from lab.budgets.budget import Budget
from lab.budgets.budget_file import BudgetFile, read
from lab.budgets.check import CheckResult
from lab.budgets.judge import BudgetVerdict, Promise
from lab.curves.allocation_sites import Site
from lab.curves.curve import Curve, Point
from lab.curves.limits import RESOLUTION
from lab.errors import LabError
from lab.measure.workload import Function
from lab.units import show_bytes
from tests.helpers import just_above, run_lab

MINE = """
def export(n):
    held = bytearray(1_000_000)
    for i in range(n):
        row = f"row {i}"
        yield row
"""

KEEPING = """
# This comment moves every line.
KEPT = []
def export(n):
    held = bytearray(1_000_000)
    for i in range(n):
        row = f"row {i}"
        if i % 20 == 0:
            KEPT.append(row)
        yield row
"""

BUDGETS = """
baseline = "memory-baseline.json"
[budget.export]
target = "mine:export"
peak = "3 MB"
sizes = "4000..64000"
"""


@pytest.fixture(autouse=True)
def not_on_github(monkeypatch):
    """Or the suite's own job would have these budgets in its summary."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture
def folder(tmp_path):
    """Somebody's project."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "memory-budgets.toml").write_text(BUDGETS)
    return tmp_path


@pytest.fixture
def check(folder):
    return lambda *words: run_lab("check", "--jobs=1", *words, cwd=folder)


def figures_of(folder):
    return json.loads((folder / "memory-baseline.json").read_text())


def peaks_of(folder):
    """Return the bytes at each size that the baseline has."""
    (entry,) = figures_of(folder)["baselines"]
    return dict(entry["budgets"]["export"]["points"])


def peaks_in(file):
    """Return the bytes at each size that a check has measured."""
    (budget,) = json.loads(file.read_text())["budgets"]
    return {point["size"]: point["peak_heap_bytes"] for point in budget["curve"]["points"]}


@pytest.mark.slow
def test_a_small_leak_under_the_ceiling_is_found_by_the_baseline(folder, check):
    assert check("--update").returncode == 0
    before = peaks_of(folder)[64_000]
    assert just_above(before, 1_000_000)
    assert check().returncode == 0
    (folder / "mine.py").write_text(KEEPING)
    red = check("--json=found.json")
    assert red.returncode == 1
    now = peaks_in(folder / "found.json")[64_000]
    kept = [f"row {i}" for i in range(0, 64_000, 20)]
    rows = sum(map(sys.getsizeof, kept))
    # Beside them is their list, and a second one while it is enlarged.
    room = 2 * sys.getsizeof(kept) + RESOLUTION["heap"]
    assert abs(now - before - rows) < room < rows
    assert (
        f"peak {show_bytes(now)} at 64,000 is {show_bytes(now - before)} more than the "
        f"{show_bytes(before)} of the baseline ({date.today().isoformat()})"
    ) in red.stdout
    assert "What holds more than in the baseline:" in red.stdout
    assert 'mine.py:7 in export: row = f"row {i}"' in red.stdout
    budget = json.loads((folder / "found.json").read_text())["budgets"][0]
    assert budget["baseline"]["when"] == date.today().isoformat()
    assert [size for size, _ in budget["baseline"]["points"]] == list(lab.doubling(4_000, 64_000))
    assert check("--update").returncode == 0
    assert check().returncode == 0


def test_what_is_written_is_what_was_promised_and_holds_no_path_of_this_machine(folder, check):
    said = check("--update").stdout
    assert "Written to memory-baseline.json: export.\n" in said
    assert said.splitlines()[-1] == "1 kept."
    text = (folder / "memory-baseline.json").read_text()
    assert str(folder) not in text
    assert sys.prefix not in text
    document = json.loads(text)
    assert document["format"] == 1
    (entry,) = document["baselines"]
    assert entry["key"] == key_here("heap").as_json()
    assert entry["key"]["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert entry["key"]["platform"].startswith(sys.platform)
    assert re.fullmatch(r"\d+\.\d+", entry["key"]["libraries"]["memray"])
    export = entry["budgets"]["export"]
    assert (export["subject"], export["axis"]) == ("mine:export", "n")
    assert [size for size, _ in export["points"]] == list(lab.doubling(4_000, 64_000))
    assert export["sites"][0] == {
        "file": "mine.py",
        "line": 3,
        "function": "export",
        "bytes": export["sites"][0]["bytes"],
        "code": "held = bytearray(1_000_000)",
    }


def test_figures_stand_one_to_a_line_so_that_diffs_are_small(folder, check):
    check("--update")
    lines = (folder / "memory-baseline.json").read_text().splitlines()
    assert len([line for line in lines if re.fullmatch(r" +\[\d+, \d+\],?", line)]) == 5
    assert len([line for line in lines if line.strip().startswith('{"file": ')]) >= 1


@pytest.mark.slow
def test_an_update_that_finds_the_same_changes_nothing(folder, check):
    check("--update")
    document = figures_of(folder)
    document["baselines"][0]["when"] = "2020-01-01"
    (folder / "memory-baseline.json").write_text(json.dumps(document))
    check("--update")
    assert figures_of(folder) == document


@pytest.mark.slow
def test_what_shrank_is_kept_and_offered(folder, check):
    check("--update")
    (folder / "mine.py").write_text(MINE.replace("1_000_000", "100_000"))
    run = check("--json=found.json")
    assert run.returncode == 0
    before, now = peaks_of(folder), peaks_in(folder / "found.json")
    less, size = max((before[size] - now[size], size) for size in before)
    # All else that is held is the same in both.
    assert abs(less - 900_000) < RESOLUTION["heap"]
    said = " ".join(run.stdout.split())
    assert f"is {show_bytes(less)} less than the {show_bytes(before[size])} of the baseline" in said
    assert "`lab check --update` records the lower peak" in said


@pytest.mark.slow
def test_without_a_name_it_is_written_beside_the_budgets_and_compared_on_demand(folder, check):
    (folder / "ci").mkdir()
    text = BUDGETS.replace('baseline = "memory-baseline.json"', "")
    (folder / "ci/budgets.toml").write_text(text)
    run = check("--file=ci/budgets.toml", "--update")
    assert 'set baseline = "memory-baseline.json" in ci/budgets.toml' in run.stdout
    assert (folder / "ci/memory-baseline.json").exists()
    (folder / "mine.py").write_text(KEEPING)
    assert check("--file=ci/budgets.toml").returncode == 0
    assert check("--file=ci/budgets.toml", "--baseline=ci/memory-baseline.json").returncode == 1


def test_what_is_broken_or_fails_is_not_written_and_the_exit_code_says_so(folder, check):
    more = '[budget.%s]\ntarget = "mine:%s"\npeak = "%s"\nsizes = 1000\n'
    (folder / "memory-budgets.toml").write_text(
        BUDGETS + more % ("low", "export", "10 kB") + more % ("gone", "exprt", "1 MB")
    )
    assert check("--update").returncode == 1
    assert list(figures_of(folder)["baselines"][0]["budgets"]) == ["export"]
    assert check("--update", "gone").returncode == 2
    nothing = check("--update", "low")
    assert nothing.returncode == 1
    assert "Nothing was written to memory-baseline.json." in nothing.stdout


@pytest.mark.slow
def test_figures_of_another_python_are_a_sentence_before_anything_is_measured(folder, check):
    check("--update")
    document = figures_of(folder)
    document["baselines"][0]["key"]["python"] = "3.8"
    (folder / "memory-baseline.json").write_text(json.dumps(document))
    run = check()
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (run.returncode, run.stdout) == (2, "")
    assert (
        f"memory-baseline.json has no figures for CPython {python}, {sys.platform}-" in run.stderr
    )
    assert f"the nearest figures differ (CPython {python} here, 3.8 in the file): run" in run.stderr
    assert check("--update").returncode == 0
    assert len(figures_of(folder)["baselines"]) == 2
    assert check().returncode == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, r"there is no .*memory-baseline\.json: run `lab check --update` to write it"),
        ("", r"memory-baseline\.json is damaged \("),
        ("<<<<<<< ours", r"memory-baseline\.json is damaged \("),
        ("[]", r"memory-baseline\.json is damaged \("),
        ('{"format": 1}', r"memory-baseline\.json is damaged \(KeyError: 'baselines'\)"),
        ('{"format": 1, "baselines": [{"key": 3}]}', r"memory-baseline\.json is damaged \("),
        ('{"format": 2}', r"memory-baseline\.json has format 2, and this version .* reads 1"),
        ('{"format": 1, "baselines": []}', r"memory-baseline\.json has no figures yet: run"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(folder, text, says):
    if text is not None:
        (folder / "memory-baseline.json").write_text(text)
    found = read(folder / "memory-budgets.toml")
    with pytest.raises(LabError, match=says):
        Baselines.of(found, None, update=False).earlier(found.budgets)


def test_a_damaged_file_is_not_written_over(folder, check):
    (folder / "memory-baseline.json").write_text("<<<<<<< ours")
    assert check("--update").returncode == 2
    assert (folder / "memory-baseline.json").read_text() == "<<<<<<< ours"


def test_a_library_that_is_named_must_be_there(folder, check):
    (folder / "memory-budgets.toml").write_text('libraries = ["nosuchthing"]\n' + BUDGETS)
    run = check("--update")
    assert run.returncode == 2
    assert "nosuchthing is not installed, and the baseline depends on its version" in run.stderr


def test_libraries_that_are_named_are_those_that_count():
    assert list(key_here("heap", ["typer"]).libraries) == ["memray", "typer"]
    assert list(key_here("heap", []).libraries) == ["memray"]
    assert "typer" not in key_here("heap").libraries


HERE = Key("3.11", "linux-x86_64", "heap", {"memray": "1.20", "sqlalchemy": "2.1"})


def test_a_difference_is_named_whichever_side_lacks_something():
    other = replace(HERE, libraries={"memray": "1.20", "pydantic": "2.10"})
    assert HERE.differences(other) == [
        "no pydantic here, 2.10 in the file",
        "sqlalchemy 2.1 here, none in the file",
    ]
    assert HERE.differences(HERE) == []


def test_the_nearest_figures_are_of_the_same_witness_with_the_fewest_differences():
    near = replace(HERE, python="3.12")
    keys = [replace(HERE, witness="rss"), replace(near, platform="darwin-arm64"), near]
    assert min(keys, key=HERE.distance) == near


def budget(name, **more):
    target = Function("mine:export")
    return Budget(name, target, "mine:export", "n", (10, 20), Promise(ceiling=10**9), **more)


def result(one, standing="kept", peak=100):
    sites = (Site("/usr/lib/x.py", 1, "g", 90), *(Site(f"m{i}.py", 1, "f", 9) for i in range(12)))
    last = Point(20, peak_heap_bytes=peak, peak_rss_bytes=peak, sites=sites)
    points = (Point(10, peak_heap_bytes=100, peak_rss_bytes=100), last)
    return CheckResult(
        one, BudgetVerdict(one.name, standing, ("",), Curve("", "n", points, one.witness))
    )


@pytest.fixture
def baselines(tmp_path):
    def make(*budgets, entries=()):
        file = BudgetFile(tmp_path / "b.toml", budgets, libraries=())
        return Baselines(tmp_path / "memory-baseline.json", file, entries)

    return make


OLD = Figures("mine:export", "n", ((10, 1), (20, 1)))


@pytest.mark.parametrize(
    ("part", "other", "says"),
    [
        ("python", "3.8", "CPython {key.python} here, 3.8 in the file"),
        ("platform", "plan9-vax", "{key.platform} here, plan9-vax in the file"),
        ("witness", "rss", "heap here, rss in the file"),
        ("libraries", {"memray": "0.9"}, "memray {key.libraries[memray]} here, 0.9 in the file"),
    ],
)
def test_the_difference_to_the_nearest_figures_is_named(baselines, part, other, says):
    here = key_here("heap", ())
    found = baselines(
        budget("a"), entries=(BaselineEntry(replace(here, **{part: other}), "", {"a": OLD}),)
    )
    wanted = f"has no figures for {here}; the nearest figures differ ({says.format(key=here)}): run"
    with pytest.raises(LabError, match=re.escape(wanted)):
        found.earlier(found.file.budgets)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"name": "b"}, "has no figures of b: run `lab check --update b`"),
        ({"sizes": (1, 2)}, "has figures of a at other sizes (10, 20): run `lab check --update a`"),
        ({"axis": "rows"}, "has figures of a along n, but its axis is now rows: run"),
        ({"what": "mine:x"}, "has figures of a for mine:export, but it now measures mine:x: run"),
    ],
)
def test_figures_of_another_budget_are_not_compared(baselines, other, says):
    entry = BaselineEntry(key_here("heap", ()), "", {"a": OLD})
    found = baselines(replace(budget("a"), **other), entries=(entry,))
    with pytest.raises(LabError, match=re.escape(f"memory-baseline.json {says}")):
        found.earlier(found.file.budgets)


def test_the_largest_lines_of_the_project_are_kept(baselines):
    one = budget("a")
    found = baselines(one)
    found.update([result(one)])
    (entry,) = read_entries(found.path)
    assert [site.file for site in entry.budgets["a"].sites] == [f"m{i}.py" for i in range(10)]
    assert entry.budgets["a"].points == ((10, 100), (20, 100))


def test_an_update_of_one_keeps_the_others_and_one_of_all_lets_go_of_what_is_no_budget(baselines):
    one, two = budget("one"), budget("two")
    here = BaselineEntry(key_here("heap", ()), "2020-01-01", {"one": OLD, "two": OLD, "gone": OLD})
    elsewhere = BaselineEntry(HERE, "2020-01-01", {"gone": OLD})
    found = baselines(one, two, entries=(here, elsewhere))
    found.update([result(one)])
    kept = {str(entry.key): entry for entry in read_entries(found.path)}
    assert kept[str(HERE)] == elsewhere
    assert set(kept[str(here.key)].budgets) == {"one", "two", "gone"}
    assert kept[str(here.key)].budgets["two"] == OLD
    assert kept[str(here.key)].budgets["one"].points[1] == (20, 100)
    found.update([result(one), result(two, "broken")])
    kept = {str(entry.key): entry for entry in read_entries(found.path)}
    assert set(kept[str(here.key)].budgets) == {"one", "two"}
    assert kept[str(here.key)].budgets["two"] == OLD


def test_each_witness_has_figures_of_its_own(baselines):
    heap, rss = budget("heap"), budget("rss", witness="rss")
    found = baselines(heap, rss)
    found.update([result(heap), result(rss)])
    assert [entry.key.witness for entry in read_entries(found.path)] == ["heap", "rss"]
    again = replace(found, entries=tuple(read_entries(found.path)))
    earlier = again.earlier([heap, rss])
    assert earlier["rss"].peaks == {10: 100, 20: 100}


def test_a_cap_alone_is_compared_with_nothing(baselines):
    alone = replace(budget("cap", cap=10), promise=Promise())
    assert baselines(alone).earlier([alone]) == {}


def test_entries_are_written_in_one_order(baselines):
    first = BaselineEntry(HERE, "2020-01-01", {})
    second = BaselineEntry(replace(HERE, python="3.9"), "2020-01-01", {})
    assert write_entries([first, second]) == write_entries([second, first])
