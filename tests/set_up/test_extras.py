"""A variant whose extra is missing: an error if it is named, else it is skipped."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lab.claim import O
from lab.endpoints.routes import served_variants
from lab.errors import LabError
from lab.pattern import Pattern, Variant, open_variant
from lab.patterns import PATTERNS
from lab.patterns.tag_counts import PATTERN as TAG_COUNTS
from lab.variants import split_by_extra
from tests.helpers import run_lab

ROOT = Path(__file__).parents[2]
WANTS = "tag_counts arrow_batches needs the extra `arrow`: pip install 'memory-lab[arrow]'"
OTHERS = [variant.name for variant in TAG_COUNTS.variants if variant.name != "arrow_batches"]
VARIANTS = [(pattern, variant) for pattern in PATTERNS for variant in pattern.variants]


def stubs(folder, error):
    """Hide Arrow's modules by others; return the environment for a child process."""
    for module in ("pyarrow", "adbc_driver_manager", "adbc_driver_postgresql"):
        (folder / f"{module}.py").write_text(f"raise {error}('no {module}', name='{module}')\n")
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def without_arrow(tmp_path):
    """The environment of a child process in which nothing of Arrow is installed."""
    return stubs(tmp_path, "ModuleNotFoundError")


def python(code, env):
    """Run code in a child process and return the lines that it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        "curve tag_counts arrow_batches",
        "measure lab.patterns.tag_counts:arrow_batches --setup lab.data.inputs:posts --claim O(1)",
    ],
)
def test_who_runs_it_is_told_in_one_sentence(without_arrow, words):
    result = run_lab(*words.split(), env=without_arrow)
    assert (result.returncode, result.stderr) == (2, f"lab: {WANTS}\n")


def test_what_is_installed_and_cannot_be_imported_is_missing_too(tmp_path):
    result = run_lab("curve", "tag_counts", "arrow_batches", env=stubs(tmp_path, "ImportError"))
    assert (result.returncode, result.stderr) == (2, f"lab: {WANTS}\n")


@pytest.mark.slow
def test_it_is_still_listed_and_shown_and_says_what_it_wants(without_arrow):
    assert "arrow_batches" in run_lab("list", env=without_arrow).stdout
    shown = run_lab("show", "tag_counts", "arrow_batches", env=without_arrow)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "def arrow_batches(db: Session" in shown.stdout
    assert shown.stdout.splitlines()[-1] == WANTS


@pytest.mark.slow
def test_nothing_is_said_of_an_extra_that_is_there_or_not_wanted(without_arrow):
    assert "memory-lab[" not in run_lab("show", "tag_counts", "arrow_batches").stdout
    shown = run_lab("show", "tag_counts", "group_by", env=without_arrow)
    assert "memory-lab[" not in shown.stdout


@pytest.mark.slow
def test_a_curve_of_all_variants_leaves_it_out_with_a_note(without_arrow, whole_table):
    result = run_lab("curve", "tag_counts", "--sizes", "100,200", env=without_arrow)
    assert result.returncode == 3, result.stdout + result.stderr  # two sizes can tell nothing
    assert f"Left out: {WANTS}" in result.stdout.splitlines()
    titles = [line.strip() for line in result.stdout.splitlines()]
    assert [name for name in titles if name in OTHERS] == OTHERS


@pytest.mark.slow
def test_the_table_leaves_its_row_out_with_a_note(without_arrow, whole_table):
    code = (
        "from dataclasses import replace\n"
        "from lab.table.scenarios import SCENARIOS\n"
        "from lab.table.measure import measure_table\n"
        "download, counting = SCENARIOS[3], replace(SCENARIOS[-1], streaming='arrow_batches')\n"
        "found = measure_table([counting, download, counting], quick=True)\n"
        "print([row.scenario.pattern for row in found.rows])\n"
        "print(*found.left_out, sep='\\n')\n"
    )
    assert python(code, without_arrow) == ["['file_download']", WANTS]


@pytest.mark.slow
def test_a_budget_of_it_fails_with_the_sentence_and_stops_no_other(
    without_arrow, whole_table, tmp_path
):
    (tmp_path / "memory-budgets.toml").write_text(
        '[budget.arrow]\npattern = "tag_counts"\nvariant = "arrow_batches"\n'
        'sizes = "100,200,400,800,1600"\nclaim = "O(keys)"\n'
        '[budget.sql]\npattern = "tag_counts"\nvariant = "group_by"\nsizes = 1000\npeak = "5 MB"\n'
    )
    result = run_lab("check", cwd=tmp_path, env=without_arrow)
    assert result.returncode == 2, result.stdout + result.stderr
    assert WANTS in " ".join(result.stdout.split())
    assert "sql" in result.stdout


def test_all_others_work_without_it(without_arrow, whole_table):
    code = (
        "from lab.pattern import open_variant\n"
        f"for name in {OTHERS}:\n"
        "    with open_variant('lab.patterns.tag_counts:PATTERN', name, {'rows': 500}) as run:\n"
        "        print(run().digest)\n"
    )
    answers = python(code, without_arrow)
    assert len(answers) == len(OTHERS)
    assert len(set(answers)) == 1


@pytest.mark.slow
def test_the_application_starts_without_it_and_imports_nothing_of_it(without_arrow):
    code = (
        "import sys\n"
        "from lab.web.app import app\n"
        "print(sorted(p for p in app.openapi()['paths'] if p.endswith('/stats/tag-counts')))\n"
        "print('pyarrow' in sys.modules)\n"
    )
    roles = ["", "/naive", "/streaming", "/trap", "/tuned"]
    expected = [str(sorted(f"{role}/stats/tag-counts" for role in roles)), "False"]
    assert python(code, without_arrow) == expected
    assert python(code, {}) == expected


def test_an_endpoint_of_somebody_elses_needs_nothing_but_the_extra_http(tmp_path):
    hidden = "anyio fastapi jinja2 matplotlib multipart platformdirs psycopg2"
    for module in (*hidden.split(), "python_multipart", "sqlalchemy", "starlette"):
        error = f"raise ModuleNotFoundError('no {module}', name='{module}')\n"
        (tmp_path / f"{module}.py").write_text(error)
    (tmp_path / "mine.py").write_text(
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))]\n"
    )
    words = ("POST /", "--app", "mine:app", "--body-rows", "--sizes", "10,20", "--json", "-")
    result = run_lab("measure", *words, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert '"status": 200' in result.stdout, result.stderr


def lists(db):
    """Keep."""


def streams(db):
    """Let go."""


def flies(db):
    """Let go faster."""


@pytest.fixture
def pattern():
    """A pattern whose best variant needs an extra that does not exist."""
    return Pattern(
        name="lacking",
        open_inputs=TAG_COUNTS.open_inputs,
        axes={},
        outcome=TAG_COUNTS.outcome,
        variants=(
            Variant(lists, role="naive", peak=O("rows")),
            Variant(streams, role="streaming", peak=O(1)),
            Variant(flies, role="tuned", peak=O(1), extra="wings", needs=("sys", "no_such_wings")),
        ),
    )


def test_it_is_not_recommended(pattern):
    assert pattern.recommended.name == "streams"


def test_it_is_not_served(pattern):
    behind = {
        prefix: variant.name for prefix, variant in served_variants(pattern, ("streaming", "tuned"))
    }
    assert behind == {"/streaming": "streams", "": "streams"}


def test_of_several_in_a_role_the_best_that_is_ready_is_served(pattern):
    slower = Variant(lists, role="tuned", peak=O(1))
    several = Pattern(
        **{**vars(pattern), "variants": (*pattern.variants[:2], slower, pattern["flies"])}
    )
    behind = {
        prefix: variant.name for prefix, variant in served_variants(several, ("streaming", "tuned"))
    }
    assert behind == {"/streaming": "streams", "/tuned": "lists", "": "lists"}


def test_those_that_are_ready_are_told_from_those_that_want_something(pattern):
    able, left_out = split_by_extra(pattern, pattern.variants)
    assert [variant.name for variant in able] == ["lists", "streams"]
    assert left_out == ["lacking flies needs the extra `wings`: pip install 'memory-lab[wings]'"]


def test_it_cannot_be_opened(monkeypatch, pattern):
    monkeypatch.setattr(sys.modules[__name__], "PATTERN", pattern, raising=False)
    with pytest.raises(LabError, match="lacking flies needs the extra `wings`: pip install"):
        open_variant(f"{__name__}:PATTERN", "flies", {}).__enter__()


@pytest.mark.parametrize(("found", "variant"), [p for p in VARIANTS if p[1].extra or p[1].needs])
def test_what_a_variant_wants_can_be_installed_and_is_tested_here(found, variant):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert variant.needs
    assert variant.extra in extras
    every = next(line for line in extras["dev"] if line.startswith("memory-lab["))
    assert variant.extra in every.partition("[")[2].rstrip("]").split(",")
    assert variant.ready


@pytest.mark.parametrize("found", PATTERNS, ids=lambda p: p.name)
def test_every_pattern_has_a_first_and_a_right_answer_that_want_nothing(found):
    wanting_nothing = {variant.role for variant in found.variants if not variant.extra}
    assert {"naive", "streaming"} <= wanting_nothing
