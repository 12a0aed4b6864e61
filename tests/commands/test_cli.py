"""The command from a user's view: examples, error sentences, exit codes, no files left behind."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lab.endpoints.tokens import may_export
from lab.net.client import request
from lab.net.listen import listening
from lab.patterns import PATTERNS
from lab.traps import TRAPS
from tests.helpers import call_lab, processes_naming, run_lab, wait_until

COMMANDS = [
    *("table", "list", "show", "curve", "measure", "check", "serve", "traps", "doctor"),
    *("data build", "data status"),
]

MINE = """
def leak(n):
    kept = []
    for i in range(n):
        kept.append(float(i))
        yield i

def flat(n):
    for i in range(n):
        yield i

def square(n):
    return bytearray(n * n // 1_000)

def sleep(n):
    import time
    print("never shown")
    time.sleep(600)

def few(n):
    if n > 16:
        raise ValueError("at most 16")
    return [float(i) for i in range(n)]


def broken(n):
    raise RuntimeError("no such luck")
"""


SHOP = """
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()

@app.get("/numbers")
def numbers(n: int) -> StreamingResponse:
    return StreamingResponse(b"0123456789" * 1_000 for _ in range(n // 1_000))

@app.get("/list")
def everything(n: int) -> int:
    return len([float(i) for i in range(n)])
"""


@pytest.fixture
def folder(tmp_path):
    """A user's project in another folder."""
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.mark.parametrize("command", ["", *COMMANDS, "data", "data drop"])
def test_help(command):
    result = call_lab(*command.split(), "--help")
    assert result.returncode == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command):
    assert f"Example: lab {command}" in call_lab(*command.split(), "--help").stdout


@pytest.mark.parametrize(
    ("command", "groups"),
    [
        ("measure", ["Arguments", "Options", "For a function", "For an endpoint"]),
        ("check", ["Arguments", "Options", "File of budgets", "Baseline"]),
        ("load", ["Arguments", "Options", "Users and requests", "Server"]),
    ],
)
def test_options_are_grouped_by_what_they_belong_to(command, groups):
    shown = call_lab(command, "--help").stdout
    places = [shown.index(f"\n{group}:\n") for group in groups]
    assert places == sorted(places)
    assert all(shown.count(f"\n{group}:\n") == 1 for group in groups)


def test_help_imports_nothing_heavy():
    code = (
        "import sys, contextlib\n"
        "sys.argv = ['lab', '--help']\n"
        "from lab.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "heavy = {'memray', 'sqlalchemy', 'psycopg2', 'pydantic', 'matplotlib', 'rich', 'psutil'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stderr.strip() == "[]"


def test_list_names_every_variant():
    said = call_lab("list").stdout
    for pattern in PATTERNS:
        assert pattern.name in said
        for variant in pattern.variants:
            assert variant.name in said
            assert variant.label in said


def test_show_prints_the_question_the_claim_and_the_code():
    said = call_lab("show", "rows", "yield_per").stdout
    assert "How do I read many rows" in said
    assert "O(batch)" in said
    assert "from lab.data.models import Post" in said
    assert "def yield_per(db: Session" in said
    assert "It needs lab/data/models.py." in said


@pytest.mark.parametrize(
    ("target", "claim", "code"),
    [
        ("flat", "O(1)", 0),
        ("leak", "O(1)", 1),
        pytest.param("leak", "O(n)", 0, marks=pytest.mark.slow),
        pytest.param("flat", "O(n)", 1, marks=pytest.mark.slow),
    ],
)
def test_measure_tells_the_verdict_on_a_function_of_somebody_elses(folder, target, claim, code):
    result = call_lab("measure", f"mine:{target}", "--claim", claim, cwd=folder)
    assert result.returncode == code, result.stdout + result.stderr
    assert claim in result.stdout
    assert sorted(os.listdir(folder)) in (["mine.py"], ["__pycache__", "mine.py"])


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("flat", "Flat in n: 0 B per item"),
        pytest.param("leak", "Grows with n: ", marks=pytest.mark.slow),
        ("square", "Grows faster than n: exponent 2.00"),
    ],
)
def test_measure_without_a_claim_says_what_growth_it_found(folder, target, says):
    """And which claim would be kept; nothing was claimed, so nothing is broken."""
    words = ("measure", f"mine:{target}", "--json", "curve.json")
    result = call_lab(*words, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert says in result.stdout
    kept = {"flat": "; O(1) would be kept.", "leak": "; O(n) would be kept.", "square": "."}
    assert result.stdout.rstrip().endswith(kept[target])
    curve = json.loads((folder / "curve.json").read_text())
    assert (curve["claim"], curve["verdict"]) == (None, None)
    assert says.lower().startswith(curve["reason"].lower()[: len(says)])


def test_measure_is_inconclusive_when_sizes_are_tiny(folder):
    result = call_lab("measure", "mine:few", "--claim", "O(1)", "--sizes", "1..16", cwd=folder)
    assert result.returncode == 3
    assert "too small to tell" in result.stdout


@pytest.mark.slow
def test_measure_writes_the_json_that_was_promised(folder):
    call_lab("measure", "mine:leak", "--claim", "O(1)", "--json", "out/curve.json", cwd=folder)
    curve = json.loads((folder / "out/curve.json").read_text())
    assert {key: type(value) for key, value in curve.items()} == {
        "target": str,
        "axis": str,
        "claim": str,
        "verdict": str,
        "reason": str,
        "bytes_per_item": float,
        "ci95": list,
        "exponent": float,
        "witness": str,
        "warm_up": bool,
        "asked_sizes": int,
        "points": list,
        "environment": dict,
    }
    assert (curve["target"], curve["claim"], curve["verdict"]) == ("mine:leak", "O(1)", "broken")
    point = curve["points"][0]
    assert point["size"] == 8_000
    assert point["peak_heap_bytes"] > 8_000 * sys.getsizeof(0.0)
    assert point["peak_rss_bytes"] >= 0
    assert point["seconds"] > 0
    assert len(point["digest"]) == 32
    assert point["error"] is None
    assert curve["environment"]["memray"]


def test_json_on_standard_output_is_nothing_but_json(folder):
    result = run_lab("measure", "mine:flat", "--claim", "O(1)", "--json", "-", cwd=folder)
    assert json.loads(result.stdout)["verdict"] == "kept"
    assert "kept" in result.stderr


@pytest.mark.slow
def test_curve_measures_draws_and_tells_a_verdict(tmp_path, whole_table):
    result = call_lab(
        *("curve", "file_download", "read_whole", "large_chunks"),
        *("--plot", "plot.svg", "--json", "curves.json"),
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count(" kept: ") == 2
    assert "<desc>" in (tmp_path / "plot.svg").read_text()
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert [curve["target"] for curve in curves] == ["read_whole", "large_chunks"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("show rwos", "unknown pattern 'rwos': did you mean rows?"),
        ("show rows yeild_per", "unknown variant 'yeild_per' of rows: did you mean yield_per"),
        ("curve rows --axis keys", "rows has no axis 'keys': choose from rows, batch"),
        ("curve rows load_all --axis batch", "load_all has no batch to vary"),
        ("curve rows --sizes ten", "'ten' is not a list of sizes"),
        ("curve rows --sizes 20,10", "sizes must increase"),
        ("curve rows --sizes 0..8", "0..8 is not a range of sizes"),
        ("measure nosuch:f --claim O(1)", "cannot import 'nosuch'"),
        ("measure mine:lek --claim O(1)", "mine has no 'lek': did you mean leak"),
        ("measure mine --claim O(1)", "'mine' is not a target"),
        ("measure mine:broken --claim O(1)", "mine:broken raised RuntimeError: no such luck"),
        ("measure mine:flat --claim O(log)", "unknown claim O(log)"),
        ("measure mine:flat --claim linear", "unknown claim 'linear'"),
        ("measure mine:flat --claim O(1) --axis rowz", "unknown axis 'rowz': did you mean rows"),
        ("measure mine:flat --claim O(1) --setup mine:none", "mine has no 'none'"),
        ("measure mine:broken --json /proc/x/y", "cannot write /proc/x/y: No such file"),
        ("measure mine:broken --plot /dev/null/x.svg", "cannot write /dev/null/x.svg: Not a dir"),
        ("check --junit .", "cannot write .: Is a directory"),
        ("table --out mine.py", "cannot write mine.py: Not a directory"),
        ("measure mine:flat --claim O(1) --app mine:app", "'mine:flat' is not a request"),
        ("measure mine:flat --claim O(1) --body-rows --body-bytes", "give one of the two"),
        ("measure mine:flat --claim O(1) --clients 8", "are for a request"),
        ("measure mine:flat --json-body 1", "are for a request"),
        ("measure mine:flat --env SECRET", "has no '=': write it as NAME=VALUE"),
        ("measure mine:flat --env 1A=b", "'1A' is no name of an environment variable"),
        ("measure mine:flat --env =b", "'' is no name of an environment variable"),
        ("measure mine:flat --app mine:make(x)", "is not a call with literal arguments"),
        ("measure mine:flat --claim O(1) --app mine:app --setup mine:flat", "sets itself up"),
        ("traps expiring-discards-edits --all", "name one trap, or use --all"),
        ("traps --json x.json", "name one trap, or use --all"),
        ("traps expiring", "unknown trap 'expiring': did you mean expiring-"),
        ("serve --port 70000", "Invalid value for '--port'"),
        ("table --max-memory lots", "'lots' is not a valid amount of memory"),
        ("table --jobs 0", "Invalid value for '--jobs'"),
        ("tabel", "No such command 'tabel'"),
    ],
)
def test_errors_are_a_sentence_and_exit_with_two(folder, words, says):
    result = call_lab(*words.split(), cwd=folder)
    assert result.returncode == 2, result.stdout + result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(folder):
    result = call_lab("--debug", "measure", "mine:broken", "--claim", "O(1)", cwd=folder)
    assert result.returncode == 2
    assert "Traceback" in result.stderr
    assert "in broken" in result.stderr


def test_an_unreachable_database_is_a_sentence(folder):
    url = {"DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/none"}
    result = run_lab("curve", "rows", env=url, cwd=folder)
    assert result.returncode == 2
    assert "me:***@127.0.0.1:1/none: cannot be reached (" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", ["-OO", "2"])
def test_a_python_that_removes_docstrings_is_refused_in_a_sentence(folder, how):
    """Labels are docstrings; without assert statements (-O) the lab works as usual."""
    options, env = ([how], {}) if how == "-OO" else ([], {"PYTHONOPTIMIZE": how})
    command = [sys.executable, *options, "-m", "lab.cli", "list"]
    result = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith("lab: python -OO removes the docstrings, which the lab prints")
    assert run_lab("list", env={"PYTHONOPTIMIZE": "1"}).stdout == run_lab("list").stdout


def test_settings_are_there_when_the_code_is_imported(folder):
    code = "import os\nSIZE = int(os.environ['SIZED'])\ndef items(n):\n    return range(SIZE)\n"
    (folder / "sized.py").write_text(code)
    words = ("measure", "sized:items", "--sizes", "1,2", "--env", "SIZED=77", "--json", "-")
    result = call_lab(*words, cwd=folder)
    assert '"items": 77' in result.stdout, result.stderr
    assert "SIZED" not in result.stdout


def test_a_folder_called_lab_is_not_taken_for_the_package(folder):
    (folder / "lab").mkdir()
    (folder / "lab" / "__init__.py").write_text("raise SystemExit('not this one')")
    command = [sys.executable, "-P", "-m", "lab.cli", "measure", "mine:flat", "--claim", "O(1)"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_an_output_that_nobody_reads_ends_quietly():
    command = f"{sys.executable} -m lab.cli list | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    assert result.returncode in (0, 141)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_ends_every_child_and_removes_every_file(folder, how):
    scratch = folder / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "lab.cli", "measure", "mine:sleep", "--claim=O(1)", "--jobs=2"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert wait_until(lambda: len(_children(process)) >= 4)
    time.sleep(0.5)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "lab: stopped." in said
    assert "Traceback" not in said
    assert wait_until(lambda: not _children(process))
    assert os.listdir(scratch) == []


def test_a_killed_command_takes_its_children_along(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "measure", "mine:sleep", "--claim=O(1)", "--jobs=2"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert wait_until(lambda: len(_children(process)) >= 4)
    time.sleep(0.5)
    process.kill()
    process.wait()
    assert wait_until(lambda: not _children(process))


def test_a_child_killed_from_outside_ends_the_run_with_a_sentence(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "measure", "mine:sleep", "--claim=O(1)", "--jobs=2"],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert wait_until(lambda: len(_children(process)) >= 4)
    time.sleep(0.5)
    measuring = [p for p in _children(process) if p.ppid() != process.pid]
    measuring[0].kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "the process measuring mine:sleep was killed by SIGKILL" in said


def _children(parent: subprocess.Popen[str]):
    """Return the template processes of a command and their forks."""
    return processes_naming("lab.measure.fork_server", str(parent.pid))


def test_doctor_finds_this_machine_good(whole_table):
    result = run_lab("doctor")
    assert result.returncode == 0, result.stdout
    assert "posts" in result.stdout


def test_doctor_says_what_is_wrong():
    result = run_lab("doctor", env={"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert result.returncode == 2
    assert "FIX  PostgreSQL" in result.stdout


def test_data_is_built_described_and_dropped(own_home):
    assert (
        "2,000 posts with 9 distinct tags"
        in run_lab("data", "build", "--rows", "2000", "--keys", "9").stdout
    )
    said = run_lab("data", "status").stdout
    assert "Posts: 2,000 with 9 distinct tags, seed 1" in said
    assert "schema memory_lab" in said
    assert "Removed 2,000 posts." in run_lab("data", "drop").stdout
    assert "Nothing to remove." in run_lab("data", "drop").stdout
    assert wait_until(lambda: not processes_naming(str(own_home)))


def test_nothing_listens_on_the_network(whole_table):
    """The embedded server listens on a Unix socket only."""
    home = os.environ["MEMORY_LAB_HOME"]
    servers = [p for p in processes_naming(home) if p.name().startswith("postgres")]
    assert servers
    for server in servers:
        assert server.net_connections(kind="inet") == []


@pytest.mark.slow
def test_temporary_folders_of_measurements_are_gone(folder):
    scratch = folder / "scratch"
    scratch.mkdir()
    run_lab("measure", "mine:flat", "--claim", "O(1)", cwd=folder, env={"TMPDIR": str(scratch)})
    assert os.listdir(scratch) == []


def test_a_token_is_printed_and_accepted():
    result = call_lab("serve", "--token")
    assert result.returncode == 0
    assert may_export(result.stdout.strip())


def test_serve_prints_a_curl_line_that_works_and_ends_with_ctrl_c(whole_table):
    with subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        line = next(line for line in serving.stdout if line.startswith("curl "))
        *_, header, url = shlex.split(line)
        name, _, value = header.partition(": ")
        assert request(url, headers={name: value}).body.count(b"\n") == 6
        connections = psutil.Process(serving.pid).net_connections()
        assert {c.laddr.ip for c in connections if c.status == "LISTEN"} == {"127.0.0.1"}
        serving.send_signal(signal.SIGINT)
        assert serving.wait(15) == 130


def test_a_port_that_is_taken_is_a_sentence():
    with listening() as taken:
        result = call_lab("serve", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert "choose another with --port" in result.stderr


def test_traps_are_listed_and_one_is_demonstrated_and_explained():
    listed = call_lab("traps").stdout
    assert all(f"{trap.name}\n" in listed for trap in TRAPS)
    result = call_lab("traps", "expiring-discards-edits")
    assert result.returncode == 0
    assert "expiring-discards-edits demonstrated" in result.stdout
    assert "wrong: 0 of 10 edits written" in result.stdout
    assert "no UPDATE" in result.stdout


@pytest.mark.slow
def test_an_endpoint_of_somebody_elses_is_measured(folder):
    (folder / "shop.py").write_text(SHOP)
    words = ["--app", "shop:app", "--sizes", "80000..1280000", "--claim", "O(1)"]
    kept = call_lab("measure", "GET /numbers?n={n}", *words, cwd=folder)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    broken = call_lab("measure", "GET /list?n={n}", *words, cwd=folder)
    assert broken.returncode == 1
    assert "O(1) broken: grows with n" in broken.stdout
