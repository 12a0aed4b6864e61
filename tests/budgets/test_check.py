"""`lab check` on somebody's project: what is kept, broken, or cannot be asked, and nothing left."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from lab.budgets.budget import Budget
from lab.budgets.check import check
from lab.budgets.judge import Promise
from lab.claim import O
from lab.errors import LabError
from lab.measure.http.endpoint import Endpoint
from lab.measure.memory_cap import Survival
from lab.measure.schedule import Schedule
from lab.measure.workload import Function
from lab.units import show_bytes
from tests.helpers import just_above, processes_naming, run_lab, wait_until

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA"
)

MINE = """
def flat(n):
    for i in range(n):
        yield i

def leak(n):
    kept = []
    for i in range(n):
        kept.append(f"row {i}")
        yield i

def block(n):
    held = bytearray(3_000_000)
    yield from range(n)

def broken(n):
    raise RuntimeError("no such luck")

def few(n):
    if n > 16:
        raise ValueError("at most 16")
    return [float(i) for i in range(n)]

def sleep(n):
    import time
    time.sleep(600)
"""

SHOP = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

@asynccontextmanager
async def without_database(app):
    raise ConnectionError("no database at port 5432")
    yield

app = FastAPI()
dead = FastAPI(lifespan=without_database)

@app.get("/numbers")
def numbers(n: int) -> StreamingResponse:
    return StreamingResponse(b"0123456789" * 1_000 for _ in range(n // 1_000))

@app.get("/fails")
def fails(n: int) -> int:
    raise ValueError("no numbers today")
"""

LESSON = '''
"""A question?"""
from contextlib import contextmanager
import lab
from lab.pattern import Outcome

@contextmanager
def numbers(n):
    yield range(n)

def kept(numbers):
    """Keep all."""
    return [float(i) for i in numbers]

def passed(numbers):
    """Pass all on."""
    return (float(i) for i in numbers)

PATTERN = lab.Pattern(
    name="lesson",
    open_inputs=numbers,
    outcome=lambda answer, _: Outcome(str(sum(answer))),
    axes={"n": lab.doubling(8_000, 128_000)},
    fixed={"n": 8_000},
    variants=(
        lab.Variant(kept, role="naive", peak=lab.O("n")),
        lab.Variant(passed, role="streaming", peak=lab.O(1)),
    ),
)
'''


NOT_ON_GITHUB = {"GITHUB_ACTIONS": "", "GITHUB_STEP_SUMMARY": ""}


@pytest.fixture(autouse=True)
def not_on_github(monkeypatch):
    """Or the suite's own job would have these budgets in its summary."""
    for name, value in NOT_ON_GITHUB.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def folder(tmp_path):
    """Somebody's project."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


@pytest.fixture
def checked(folder):
    """Write budgets, check them, and return the run and what it wrote as JSON."""

    def run(budgets, *words):
        (folder / "memory-budgets.toml").write_text(budgets)
        result = run_lab("check", "--jobs=1", "--json=out/found.json", *words, cwd=folder)
        file = folder / "out/found.json"
        return result, json.loads(file.read_text()) if file.exists() else None

    return run


def one(found):
    (budget,) = found["budgets"]
    return budget


def peak_heap(budget):
    """Return the largest peak that was measured for a budget, in bytes."""
    return max(point["peak_heap_bytes"] for point in budget["curve"]["points"])


BUDGETS = """
[budget.flat]
target = "mine:flat"
claim = "O(1)"
peak = "2 MiB"

[budget.leak]
target = "mine:leak"
claim = "O(1)"

[budget.block]
target = "mine:block"
peak = "2 MiB"
sizes = 1000

[budget.resident]
target = "mine:block"
peak = "2 MB"
sizes = 1000
witness = "rss"

[budget.resident-below]
target = "mine:block"
peak = "6 MB"
sizes = 1000
witness = "rss"
"""
CAPS = """
[budget.survives]
target = "mine:flat"
cap = "4 MiB"

[budget.dies]
target = "mine:leak"
cap = "4 MiB"

[budget.only-kept]
target = "mine:block"
peak = "4 MB"
cap = "1 MB"
"""


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """One check of several budgets: the run, and what it found by the names of the budgets."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "mine.py").write_text(MINE)
    (folder / "memory-budgets.toml").write_text(BUDGETS + (CAPS if sys.platform == "linux" else ""))
    run = run_lab("check", "--jobs=1", "--json=found.json", cwd=folder, env=NOT_ON_GITHUB)
    found = json.loads((folder / "found.json").read_text())["budgets"]
    return run, {budget["name"]: budget for budget in found}


def test_what_is_promised_and_true_is_kept(several):
    run, found = several
    assert re.search(r"^kept +flat +O\(1\) kept: flat in n", run.stdout, re.MULTILINE)
    assert found["flat"]["standing"] == "kept"


def test_growth_is_broken_and_its_lines_are_named(several):
    run, found = several
    assert run.returncode == 1
    assert "O(1) broken: grows with n: " in run.stdout
    assert 'mine.py:9 in leak: kept.append(f"row {i}")' in run.stdout
    assert [site["line"] for site in found["leak"]["sites"]] == [9]
    assert [point["size"] for point in found["leak"]["curve"]["points"]][-1] == 128_000


def test_a_ceiling_is_broken_and_what_holds_the_most_is_named(several):
    run, found = several
    peak = peak_heap(found["block"])
    assert just_above(peak, 3_000_000)
    assert f"peak {show_bytes(peak)} is over the budget of 2.10 MB" in run.stdout
    assert "mine.py:13 in block: held = bytearray(3_000_000)" in run.stdout
    assert found["block"]["ceiling_bytes"] == 2 * 2**20
    assert found["block"]["curve"]["witness"] == "heap"


def test_the_resident_set_can_be_held_to_a_ceiling_too(several):
    _, found = several
    assert found["resident"]["standing"] == "broken"
    assert found["resident"]["curve"]["points"][0]["peak_rss_bytes"] > 2_900_000
    assert found["resident-below"]["standing"] == "kept"


def test_a_curve_that_cannot_tell_is_inconclusive_unless_that_is_allowed(checked):
    text = '[budget.export]\ntarget = "mine:few"\nclaim = "O(1)"\nsizes = "1..16"\n'
    run, found = checked(text)
    assert (run.returncode, found["standing"]) == (3, "inconclusive")
    assert checked(text + "allow-inconclusive = true\n")[0].returncode == 0


@linux
def test_a_cap_is_survived_or_says_how_far_it_got(several):
    _, found = several
    assert (found["survives"]["standing"], found["survives"]["curve"]) == ("kept", None)
    assert found["survives"]["survival"]["outcome"] == "finished"
    survival = found["dies"]["survival"]
    assert (survival["size"], survival["cap_bytes"]) == (128_000, 4 * 2**20)
    assert 10_000 < survival["items"] < 128_000
    assert found["dies"]["reasons"] == [
        "with 4.19 MB over the warm process it ran out of memory at 128,000 after "
        f"{survival['items']:,} items"
    ]


@linux
def test_a_budget_that_is_kept_but_not_survived_is_broken(several):
    budget = several[1]["only-kept"]
    assert budget["standing"] == "broken"
    assert "ran out of memory" in budget["reasons"][0]
    assert just_above(peak_heap(budget), 3_000_000)
    assert budget["reasons"][1] == (
        f"peak {show_bytes(peak_heap(budget))} is within the budget of 4.00 MB"
    )


EVERYTHING = """
[budget.good]
target = "mine:flat"
claim = "O(1)"

[budget.gone]
target = "mine:flet"
claim = "O(1)"

[budget.raises]
target = "mine:broken"
peak = "1 MB"

[budget.endpoint]
request = "GET /numbers?n={n}"
app = "shop:app"
claim = "O(1)"
sizes = "80000..1280000"

[budget.fails]
request = "GET /fails?n={n}"
app = "shop:app"
peak = "1 MB"

[budget.dead]
request = "GET /numbers?n={n}"
app = "shop:dead"
peak = "1 MB"

[budget.gone-under-a-cap]
target = "mine:flet"
cap = "1 MB"

[budget.slow]
target = "mine:sleep"
peak = "1 MB"
sizes = [10, 20]
timeout = 1
"""


def test_what_cannot_be_measured_is_said_and_stops_nothing_else(checked):
    run, found = checked(EVERYTHING)
    by_name = {budget["name"]: budget for budget in found["budgets"]}
    standings = {name: budget["standing"] for name, budget in by_name.items()}
    assert standings.pop("good") == standings.pop("endpoint") == "kept", by_name
    assert set(standings.values()) == {"error"}
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert run.stdout.splitlines()[-1] == "2 kept, 6 errors."
    reasons = {name: budget["reasons"][0] for name, budget in by_name.items()}
    assert reasons["gone"].startswith("mine has no 'flet': did you mean flat")
    assert reasons["raises"] == "mine:broken raised RuntimeError: no such luck"
    assert reasons["fails"] == (
        "GET /fails?n={n} at 4,000: the answer was 500: Internal Server Error "
        "(ValueError: no numbers today)"
    )
    assert reasons["dead"] == "shop:dead did not start: ConnectionError: no database at port 5432"
    assert "not finished after 1 s" in reasons["slow"]
    assert 'raise RuntimeError("no such luck")' in by_name["raises"]["details"]
    assert 'raise ValueError("no numbers today")' in by_name["fails"]["details"]
    assert 'raise ConnectionError("no database at port 5432")' in by_name["dead"]["details"]
    if sys.platform == "linux":
        assert reasons["gone-under-a-cap"] == reasons["gone"]


def test_what_is_broken_counts_for_more_than_what_could_not_be_asked(checked):
    run, _ = checked(
        '[budget.a]\ntarget = "mine:block"\npeak = "2 MB"\nsizes = 1000\n'
        '[budget.b]\ntarget = "mine:flet"\nclaim = "O(1)"\n'
    )
    assert run.returncode == 1


def test_only_what_is_named_is_checked(checked):
    small = 'target = "mine:flat"\npeak = "9 MB"\nsizes = 1000\n'
    run, found = checked(f"[budget.good]\n{small}[budget.other]\n{small}", "good")
    assert run.returncode == 0
    assert run.stdout.splitlines()[-1] == "1 kept."
    assert one(found)["standing"] == found["standing"] == "kept"
    assert one(found)["name"] == "good"
    unknown, _ = checked(f"[budget.good]\n{small}", "god")
    assert unknown.returncode == 2
    assert "unknown budget 'god' in memory-budgets.toml: did you mean good" in unknown.stderr


def test_a_timeout_of_the_command_goes_before_those_of_the_file(checked):
    text = '[budget.a]\ntarget = "mine:sleep"\npeak = 1\nsizes = 5\n'
    _, found = checked(text, "--timeout=0.5")
    assert one(found)["reasons"] == ["not finished after 0.5 s"]


def test_a_malformed_file_is_a_sentence_and_nothing_is_measured(checked):
    run, found = checked('[budget.a]\ntarget = "mine:sleep"\npeek = 1\n')
    assert run.returncode == 2
    assert run.stderr == (
        "lab: memory-budgets.toml:3: budget a: unknown key 'peek': did you mean peak?\n"
    )
    assert found is None


@pytest.mark.slow
def test_the_projects_own_file_and_another_file_are_read(folder):
    budget = 'target = "mine:flat"\nclaim = "O(1)"\n'
    (folder / "pyproject.toml").write_text(f"[tool.memory-lab.budget.mine]\n{budget}")
    assert "kept          mine " in run_lab("check", cwd=folder).stdout
    (folder / "ci").mkdir()
    (folder / "ci/other.toml").write_text(f"[budget.other]\n{budget}")
    assert "kept          other " in run_lab("check", "--file=ci/other.toml", cwd=folder).stdout


@pytest.mark.slow
def test_patterns_have_their_data_while_they_are_measured(checked, folder):
    (folder / "lesson.py").write_text(LESSON)
    run, found = checked(
        '[budget.passed]\npattern = "lesson:PATTERN"\nvariant = "passed"\ncap = "8 MB"\n'
        '[budget.kept]\npattern = "lesson:PATTERN"\nvariant = "kept"\nclaim = "O(1)"\n'
        '[budget.chunks]\npattern = "file_download"\nvariant = "small_chunks"\n'
        'sizes = "1000000..16000000"\n'
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert [b["standing"] for b in found["budgets"]] == ["kept", "broken", "kept"], run.stdout
    assert found["budgets"][2]["curve"]["axis"] == "bytes"


def test_data_that_cannot_be_had_is_an_error_of_those_that_need_it(folder):
    (folder / "memory-budgets.toml").write_text(
        '[budget.lesson]\npattern = "rows"\nvariant = "yield_per"\nsizes = [100]\n'
        '[budget.good]\ntarget = "mine:flat"\npeak = "9 MB"\nsizes = 1000\n'
    )
    env = {"DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/none"}
    run = run_lab("check", cwd=folder, env=env)
    assert run.returncode == 2
    assert "cannot be reached" in run.stdout
    assert run.stdout.splitlines()[-1] == "1 kept, 1 error."
    assert "secret" not in run.stdout + run.stderr


def test_points_of_all_budgets_are_steps_of_one_run(alone):
    begun, done = [], []
    schedule = Schedule(parallel=1, on_reading=lambda *_: done.append(1))
    budgets = [
        Budget(
            "a", Function("tests.measure.known_growth:linear"), "a", "n", (10, 20), Promise(O(1))
        ),
        Budget(
            "b",
            Function("tests.measure.known_growth:linear"),
            "b",
            "n",
            (10,),
            Promise(None, 10),
            cap=2**24,
        ),
    ]
    found = check(
        budgets, schedule, announce=lambda *what: begun.append(what), on_cap=schedule.on_reading
    )
    assert begun == [("Budgets", 4)]
    assert len(done) == 4
    assert [one.judged.name for one in found] == ["a", "b"]
    assert all(one.seconds > 0 for one in found)
    if sys.platform == "linux":
        assert isinstance(found[1].survival, Survival)


def test_each_budget_has_its_own_timeout(alone):
    def budget(name, timeout):
        target = Function("tests.measure.known_growth:slow_when_large")
        return Budget(name, target, name, "n", (32_000,), Promise(None, 10**6), timeout=timeout)

    found = check([budget("short", 0.5), budget("longer", 1)], alone)
    assert [one.judged.reason for one in found] == [
        "not finished after 0.5 s",
        "not finished after 1 s",
    ]


def test_where_there_are_no_caps_the_budget_says_so_and_is_kept(monkeypatch, alone):
    """No other platform can be had here."""

    def refuse():
        raise LabError("darwin does not hold a process to RLIMIT_DATA: do that on Linux.")

    monkeypatch.setattr("lab.budgets.capped_run.require_caps", refuse)
    function = Function("tests.measure.known_growth:linear")
    (found,) = check([Budget("b", function, "b", "n", (10,), Promise(), cap=1)], alone)
    assert (found.judged.standing, found.survival) == ("kept", None)
    assert found.judged.reason.startswith("the cap was not tried: darwin does not hold")
    assert found.untried


@linux
def test_a_server_counts_the_bytes_it_got_to_send(alone):
    endpoint = Endpoint.parse("GET /kept?n={n}", "tests.measure.measured_app:app")
    budget = Budget("b", endpoint, "b", "n", (500_000,), Promise(), cap=16 * 2**20)
    (found,) = check([budget], alone)
    assert found.judged.standing == "broken"
    assert "ran out of memory at 500,000" in found.judged.reason


def test_nothing_is_left_in_the_folder_nor_elsewhere(folder):
    scratch = folder / "scratch"
    scratch.mkdir()
    (folder / "memory-budgets.toml").write_text(
        '[budget.a]\ntarget="mine:flat"\npeak="9 MB"\nsizes=1000\n'
        '[budget.b]\ntarget="mine:leak"\ncap="1 MB"\n'
    )
    run_lab("check", cwd=folder, env={"TMPDIR": str(scratch)})
    assert os.listdir(scratch) == []
    there = {"mine.py", "shop.py", "memory-budgets.toml", "scratch", "__pycache__"}
    assert set(os.listdir(folder)) <= there


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_ends_every_process_and_removes_every_file(folder, how):
    scratch = folder / "scratch"
    scratch.mkdir()
    (folder / "memory-budgets.toml").write_text(
        '[budget.a]\ntarget="mine:sleep"\npeak=1\n[budget.b]\ntarget="mine:sleep"\npeak=1\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "check", "--jobs=2"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

    def children():
        return processes_naming("lab.measure.fork_server", str(process.pid))

    assert wait_until(lambda: len(children()) >= 4)
    time.sleep(0.5)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "lab: stopped.\n"
    assert wait_until(lambda: not children())
    assert os.listdir(scratch) == []
